import type {
  Alert,
  AlertFacets,
  Asset,
  AuditEntry,
  AuditVerdict,
  Company,
  CompanySummary,
  Incident,
  IngestAnswer,
  Ledger,
  Me,
  Overview,
  Role,
  TimelineEntry,
  User,
} from "./types";
import type { EventsAnswer } from "./frames";

/** The shape that openapi-typescript gives an operation, so that the generated file can take this one's place. */
type Op<Answer, Query = never, Path = never, Body = never> = {
  parameters: {
    query?: Query;
    header?: { "If-Match"?: string; "Idempotency-Key"?: string };
    cookie?: never;
  } & ([Path] extends [never] ? { path?: never } : { path: Path });
  responses: { 200: { headers: Record<string, unknown>; content: { "application/json": Answer } } };
} & ([Body] extends [never]
  ? { requestBody?: never }
  : { requestBody: { content: { "application/json": Body } } });

interface Id {
  id: string;
}
interface OfCompanies {
  company_id?: string[];
}
interface Paged extends OfCompanies {
  limit?: number;
  cursor?: string;
}
interface Ranged extends Paged {
  status?: string[];
  severity?: string[];
  asset?: string;
  text?: string;
  since?: string;
  until?: string;
}
export interface AlertQuery extends Ranged {
  tool?: string;
  incident_id?: string;
}
export interface IncidentQuery extends Ranged {
  assigned_to?: string;
  sort?: "priority" | "created_at";
  merged?: string;
}
interface InCompany {
  company_id: string;
}
type Loose = Record<string, unknown>;

export interface paths {
  "/api/auth/login": {
    post: Op<{ user: User }, never, never, { email: string; password: string; cookie: true }>;
  };
  "/api/auth/logout": { post: Op<undefined> };
  "/api/auth/me": { get: Op<Me> };
  "/api/auth/password": {
    post: Op<undefined, never, never, { current_password: string; new_password: string }>;
  };
  "/api/users": {
    get: Op<User[]>;
    post: Op<
      { user: User; password?: string },
      never,
      never,
      { email: string; name: string; role: Role; company_ids: string[] }
    >;
  };
  "/api/users/{id}": {
    patch: Op<User, never, Id, { name?: string; role?: Role; company_ids?: string[]; active?: boolean }>;
  };
  "/api/users/{id}/reset-password": { post: Op<{ password: string }, never, Id> };
  "/api/companies": {
    get: Op<Company[]>;
    post: Op<
      { company: Company; api_key: string },
      never,
      never,
      { name: string; contact_email?: string; time_zone?: string }
    >;
  };
  "/api/companies/{id}": { get: Op<Company, never, Id>; patch: Op<Company, never, Id, Partial<Company>> };
  "/api/companies/{id}/summary": { get: Op<CompanySummary, never, Id> };
  "/api/companies/{id}/api-key/reveal": { post: Op<{ api_key: string }, never, Id> };
  "/api/companies/{id}/api-key/rotate": { post: Op<{ api_key: string }, never, Id> };
  "/api/companies/{id}/test-alert": { post: Op<IngestAnswer, never, Id> };
  "/api/companies/{id}/configs/{config_type}": {
    get: Op<Loose, never, Id & { config_type: string }>;
    put: Op<Loose, never, Id & { config_type: string }, Loose>;
  };
  "/api/companies/{id}/configs/webhook_security/rotate": {
    post: Op<{ hmac_secret: string }, never, Id, { overlap_minutes: number }>;
  };
  "/api/companies/{id}/configs/webhook_security/reveal": { post: Op<{ hmac_secret: string }, never, Id> };
  "/api/alerts": { get: Op<Alert[], AlertQuery> };
  "/api/alerts/facets": { get: Op<AlertFacets, AlertQuery> };
  "/api/alerts/{id}": { get: Op<Alert, OfCompanies, Id> };
  "/api/alerts/{id}/acknowledge": { post: Op<Alert, never, Id, InCompany> };
  "/api/alerts/{id}/resolve": { post: Op<Alert, never, Id, InCompany> };
  "/api/incidents": { get: Op<Incident[], IncidentQuery> };
  "/api/incidents/{id}": { get: Op<Incident, OfCompanies, Id> };
  "/api/incidents/{id}/timeline": { get: Op<TimelineEntry[], Paged, Id> };
  "/api/incidents/{id}/alerts": { get: Op<Alert[], Paged, Id> };
  "/api/incidents/{id}/related": { get: Op<Incident[], Paged, Id> };
  "/api/incidents/{id}/{verb}": { post: Op<Incident, never, Id & { verb: string }, InCompany & Loose> };
  "/api/assets": {
    get: Op<Asset[], Paged & { text?: string }>;
    post: Op<Asset, never, never, InCompany & { name: string } & Partial<Asset>>;
  };
  "/api/assets/{id}": {
    patch: Op<Asset, never, Id, InCompany & Partial<Asset>>;
    delete: Op<undefined, OfCompanies, Id>;
  };
  "/api/ledger": { get: Op<Ledger, OfCompanies & { hours?: number }> };
  "/api/audit": { get: Op<AuditEntry[], Paged> };
  "/api/audit/verify": { get: Op<AuditVerdict, OfCompanies> };
  "/api/overview": { get: Op<Overview, OfCompanies> };
  "/api/events": { get: Op<EventsAnswer, OfCompanies & { after?: string[]; limit?: number }> };
}
