CREATE TABLE "companies" (
  "id" TEXT NOT NULL,
  "api_key" TEXT,
  "document" TEXT NOT NULL,
  PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "companies.api_key-index" ON "companies" ("api_key");
CREATE TABLE "users" (
  "id" TEXT NOT NULL,
  "email" TEXT,
  "document" TEXT NOT NULL,
  PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "users.email-index" ON "users" ("email");
CREATE TABLE "alerts" (
  "row#" INTEGER PRIMARY KEY,
  "company_id" TEXT NOT NULL,
  "id" TEXT NOT NULL,
  "status" TEXT,
  "resolved_at" TEXT,
  "company_id#correlated_incident_id#" INTEGER,
  "company_id#dedup_key#" INTEGER,
  "document" TEXT NOT NULL,
  UNIQUE ("company_id", "id")
);
CREATE INDEX "alerts.company_id-open-index" ON "alerts" ("company_id", "id", "status") WHERE "status" IS NOT 'resolved';
CREATE INDEX "alerts.company_id-correlated_incident_id-index" ON "alerts" (("row#" >> 13), "company_id#correlated_incident_id#");
CREATE INDEX "alerts.company_id-dedup_key-open-index" ON "alerts" (("row#" >> 13), "company_id#dedup_key#") WHERE "status" IS NOT 'resolved';
CREATE TABLE "incidents" (
  "company_id" TEXT NOT NULL,
  "id" TEXT NOT NULL,
  "status" TEXT,
  "resolved_at" TEXT,
  "company_id#correlation_key#" INTEGER,
  "document" TEXT NOT NULL,
  PRIMARY KEY ("company_id", "id")
);
CREATE INDEX "incidents.company_id-open-index" ON "incidents" ("company_id", "id", "status") WHERE "status" IS NOT 'resolved';
CREATE INDEX "incidents.company_id-correlation_key-open-index" ON "incidents" ("company_id#correlation_key#") WHERE "status" IS NOT 'resolved';
CREATE INDEX "incidents.company_id-correlation_key-resolved-index" ON "incidents" ("company_id#correlation_key#", "id") WHERE "status" IS 'resolved';
CREATE TABLE "timeline" (
  "company_id" TEXT NOT NULL,
  "id" TEXT NOT NULL,
  "incident_id" TEXT,
  "document" TEXT NOT NULL,
  PRIMARY KEY ("company_id", "id")
);
CREATE INDEX "timeline.company_id-incident_id-index" ON "timeline" ("company_id", "incident_id", "id");
CREATE TABLE "deliveries" (
  "company_id" TEXT NOT NULL,
  "id" TEXT NOT NULL,
  "received_at" TEXT,
  "document" TEXT NOT NULL,
  PRIMARY KEY ("company_id", "id")
);
CREATE TABLE "receipts" (
  "company_id" TEXT NOT NULL,
  "id" TEXT NOT NULL,
  "received_at" TEXT,
  "document" TEXT NOT NULL,
  PRIMARY KEY ("company_id", "id")
);
CREATE INDEX "receipts.company_id-received_at-index" ON "receipts" ("company_id", "received_at");
CREATE TABLE "assets" (
  "company_id" TEXT NOT NULL,
  "id" TEXT NOT NULL,
  "name" TEXT,
  "document" TEXT NOT NULL,
  PRIMARY KEY ("company_id", "id")
);
CREATE UNIQUE INDEX "assets.company_id-name-index" ON "assets" ("company_id", "name");
CREATE TABLE "audit_logs" (
  "company_id" TEXT NOT NULL,
  "id" TEXT NOT NULL,
  "timestamp" TEXT,
  "document" TEXT NOT NULL,
  PRIMARY KEY ("company_id", "id")
);
CREATE TABLE "company_configs" (
  "company_id" TEXT NOT NULL,
  "config_type" TEXT NOT NULL,
  "document" TEXT NOT NULL,
  PRIMARY KEY ("company_id", "config_type")
);
CREATE TABLE "events" (
  "company_id" TEXT NOT NULL,
  "seq" INTEGER NOT NULL,
  "at" TEXT,
  "document" TEXT NOT NULL,
  PRIMARY KEY ("company_id", "seq")
);
CREATE TABLE "timers" (
  "shard" TEXT NOT NULL,
  "id" TEXT NOT NULL,
  "document" TEXT NOT NULL,
  PRIMARY KEY ("shard", "id")
);
CREATE TABLE "metrics" (
  "company_id" TEXT NOT NULL,
  "id" TEXT NOT NULL,
  "document" TEXT NOT NULL,
  PRIMARY KEY ("company_id", "id")
);
CREATE TABLE "snapshots" (
  "company_id" TEXT NOT NULL,
  "id" TEXT NOT NULL,
  "document" TEXT NOT NULL,
  PRIMARY KEY ("company_id", "id")
);
