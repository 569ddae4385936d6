import createClient from "openapi-fetch";

import type { paths } from "./schema";
import type { Problem } from "./types";

export const api = createClient<paths>({
  baseUrl: window.location.origin,
  credentials: "same-origin",
  fetch: (request) => fetch(request),
});

/** An answer that is not 2xx, or none at all (`status` 0: the server was not reached). */
export class ApiError extends Error {
  readonly status: number;
  readonly problem: Problem | null;
  readonly requestId: string | null;

  constructor(status: number, problem: Problem | null, requestId: string | null) {
    super(
      problem?.detail ??
        problem?.title ??
        (status === 0 ? "The server could not be reached." : `HTTP ${status}`),
    );
    this.status = status;
    this.problem = problem;
    this.requestId = problem?.request_id ?? requestId;
  }
}

interface Answered<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

const isProblem = (value: unknown): value is Problem =>
  typeof value === "object" && value !== null && "title" in value && "status" in value;

type Listener = () => void;
const signedOutListeners = new Set<Listener>();

/** Calls back whenever an answer says that the session is over. */
export function onSignedOut(listener: Listener): Listener {
  signedOutListeners.add(listener);
  return () => signedOutListeners.delete(listener);
}

export function sessionEnded(): void {
  for (const listener of signedOutListeners) listener();
}

async function settled<T>(call: Promise<Answered<T>>): Promise<Answered<T>> {
  let answer: Answered<T>;
  try {
    answer = await call;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, null, null);
  }
  if (answer.response.ok) return answer;
  if (answer.response.status === 401) sessionEnded();
  throw new ApiError(
    answer.response.status,
    isProblem(answer.error) ? answer.error : null,
    answer.response.headers.get("X-Request-Id"),
  );
}

/** The body of a good answer; throws ApiError otherwise. */
export async function body<T>(call: Promise<Answered<T>>): Promise<T> {
  const answer = await settled(call);
  return answer.data as T;
}

/** One page of a list: its rows, the cursor of the next page, and the log positions that it was read at. */
export interface Page<T> {
  rows: T[];
  next: string | null;
  cursors: Record<string, number>;
}

export async function page<T>(call: Promise<Answered<T[]>>): Promise<Page<T>> {
  const { data, response } = await settled(call);
  return {
    rows: data ?? [],
    next: nextCursor(response.headers.get("Link")),
    cursors: liveCursors(response.headers.get("X-Live-Cursor")),
  };
}

/** `<…?cursor=abc>; rel="next"` → "abc". */
export function nextCursor(link: string | null): string | null {
  const target = /<([^>]+)>\s*;\s*rel="?next"?/.exec(link ?? "")?.[1];
  return target ? new URL(target, window.location.origin).searchParams.get("cursor") : null;
}

/** `acme:12,globex:7` → `{acme: 12, globex: 7}`. */
export function liveCursors(header: string | null): Record<string, number> {
  const cursors: Record<string, number> = {};
  for (const part of (header ?? "").split(",")) {
    const at = part.lastIndexOf(":");
    const seq = Number(part.slice(at + 1));
    if (at > 0 && Number.isInteger(seq)) cursors[part.slice(0, at).trim()] = seq;
  }
  return cursors;
}
