import { QueryClient } from "@tanstack/react-query";
import { beforeEach, describe, expect, it } from "vitest";

import { keys } from "@/api/keys";
import type { Alert, Asset, Incident, Overview, TimelineEntry } from "@/api/types";
import { ACME, anAlert, anEntry, anIncident, frame, GLOBEX } from "@/testing/cast";

import { applyFrames, patches } from "./patches";
import type { RowList } from "./rows";

const openByPriority = keys.incidents({ status: ["open"], sort: "priority" });
const asset: Asset = {
  id: "asset-1",
  company_id: ACME,
  name: "db-01",
  type: "",
  critical: false,
  tags: [],
  dependencies: [],
  first_seen_at: null,
  last_seen_at: null,
};
const ids = (list: RowList<{ id: string }> | undefined) => list?.rows.map((row) => row.id);

describe("the table of patches", () => {
  let cache: QueryClient;
  const incidents = (key: readonly unknown[] = openByPriority) => cache.getQueryData<RowList<Incident>>(key);
  const alerts = (key: readonly unknown[]) => cache.getQueryData<RowList<Alert>>(key);

  beforeEach(() => {
    cache = new QueryClient();
    cache.setQueryData(openByPriority, { rows: [anIncident()], next: null });
  });

  it("has a patch for every event that carries a document", () => {
    expect(Object.keys(patches).sort()).toEqual([
      "alert_received",
      "alert_updated",
      "asset_deleted",
      "asset_updated",
      "company_updated",
      "incident_created",
      "incident_updated",
      "timeline",
    ]);
  });

  it("puts a new incident where its priority belongs", () => {
    applyFrames(cache, [
      frame("acme:2:0", "incident_created", anIncident({ id: "incident-3", priority_score: 95 })),
      frame("acme:2:1", "incident_created", anIncident({ id: "incident-2", priority_score: 10 })),
    ]);
    expect(ids(incidents())).toEqual(["incident-3", "incident-1", "incident-2"]);
  });

  it("takes a resolved incident out of the open ones and into the resolved ones", () => {
    const resolved = keys.incidents({ status: ["resolved"] });
    cache.setQueryData(resolved, { rows: [], next: null });
    applyFrames(cache, [
      frame("acme:2:0", "incident_updated", anIncident({ status: "resolved", revision: 2 })),
    ]);
    expect(ids(incidents())).toEqual([]);
    expect(ids(incidents(resolved))).toEqual(["incident-1"]);
  });

  it("never lets an older copy replace a newer one", () => {
    applyFrames(cache, [frame("acme:3:0", "incident_updated", anIncident({ title: "newer", revision: 3 }))]);
    applyFrames(cache, [frame("acme:2:0", "incident_updated", anIncident({ title: "older", revision: 2 }))]);
    expect(incidents()?.rows[0]?.title).toBe("newer");
  });

  it("keeps Globex out of a list of Acme", () => {
    const acme = keys.incidents({ company_id: [ACME], status: ["open"] });
    cache.setQueryData(acme, { rows: [], next: null });
    applyFrames(cache, [
      frame("globex:1:0", "incident_created", anIncident({ id: "eve-1", company_id: GLOBEX })),
    ]);
    expect(ids(incidents(acme))).toEqual([]);
  });

  it("leaves a row that belongs to a later page to that page", () => {
    cache.setQueryData(openByPriority, { rows: [anIncident()], next: "cursor" });
    applyFrames(cache, [
      frame("acme:2:0", "incident_created", anIncident({ id: "incident-0", priority_score: 1 })),
    ]);
    expect(ids(incidents())).toEqual(["incident-1"]);
  });

  it("updates the page of one incident, but starts none that nobody opened", () => {
    cache.setQueryData(keys.incident("incident-1"), anIncident());
    applyFrames(cache, [
      frame("acme:2:0", "incident_updated", anIncident({ alert_count: 7, revision: 2 })),
      frame("acme:2:1", "incident_updated", anIncident({ id: "other", revision: 2 })),
    ]);
    expect(cache.getQueryData<Incident>(keys.incident("incident-1"))?.alert_count).toBe(7);
    expect(cache.getQueryData(keys.incident("other"))).toBeUndefined();
  });

  it("counts a repeat into the row that is there instead of adding one", () => {
    const all = keys.alerts({});
    cache.setQueryData(all, { rows: [anAlert()], next: null });
    applyFrames(cache, [
      frame(
        "acme:2:0",
        "alert_updated",
        anAlert({ occurrences: 2, last_received_at: "2026-11-21T11:05:00.000000Z" }),
      ),
    ]);
    expect(alerts(all)?.rows).toHaveLength(1);
    expect(alerts(all)?.rows[0]?.occurrences).toBe(2);
  });

  it("takes a deleted asset out of every list of assets, even if it changed in the same batch", () => {
    const kept = { ...asset, id: "asset-2", name: "db-02" };
    const filtered = keys.assets([ACME], "db");
    cache.setQueryData(keys.assets([], ""), { rows: [asset, kept], next: null });
    cache.setQueryData(filtered, { rows: [asset], next: null });
    applyFrames(cache, [
      frame("acme:2:0", "asset_deleted", asset),
      frame("acme:1:0", "asset_updated", { ...asset, critical: true }),
    ]);
    expect(ids(cache.getQueryData(keys.assets([], "")))).toEqual(["asset-2"]);
    expect(ids(cache.getQueryData(filtered))).toEqual([]);
  });

  it("shows the alerts of an incident together with those of what was merged into it", () => {
    const key = keys.alertsOf(anIncident({ merged_from: ["incident-2"] }));
    cache.setQueryData(key, { rows: [], next: null });
    applyFrames(cache, [
      frame("acme:2:0", "alert_received", anAlert({ id: "alert-2", correlated_incident_id: "incident-2" })),
      frame("acme:2:1", "alert_received", anAlert({ id: "alert-3", correlated_incident_id: "incident-3" })),
    ]);
    expect(ids(alerts(key))).toEqual(["alert-2"]);
  });

  it("keeps a timeline in the order of time, and an undone entry in its place", () => {
    const key = keys.timeline("incident-1");
    cache.setQueryData(key, [anEntry()]);
    const later = anEntry({
      id: "entry-2",
      at: "2026-11-21T11:01:00.000000Z",
      kind: "verb",
      verb: "acknowledge",
    });
    applyFrames(cache, [frame("acme:2:0", "timeline", later)]);
    applyFrames(cache, [frame("acme:3:0", "timeline", { ...later, undone: true })]);
    const entries = cache.getQueryData<TimelineEntry[]>(key);
    expect(entries?.map((entry) => [entry.id, entry.undone])).toEqual([
      ["entry-1", false],
      ["entry-2", true],
    ]);
  });

  it("counts arrivals into the overview of their company and of all, and of no other", () => {
    const minutes = Array.from({ length: 60 }, () => 0);
    const held = { alerts_per_minute: minutes, received_today: 5 } as unknown as Overview;
    for (const scope of [[], [ACME], [GLOBEX]]) cache.setQueryData(keys.overview(scope), held);
    applyFrames(cache, [frame("acme:2:0", "alert_received", anAlert())]);
    const received = (scope: string[]) => cache.getQueryData<Overview>(keys.overview(scope))?.received_today;
    expect([received([]), received([ACME]), received([GLOBEX])]).toEqual([6, 6, 5]);
    expect(cache.getQueryData<Overview>(keys.overview([ACME]))?.alerts_per_minute.at(-1)).toBe(1);
  });

  it("asks for lists to be read anew after a storm, and not after ordinary news", () => {
    expect(applyFrames(cache, [frame("acme:2:0", "alert_received", anAlert())])).toBe(false);
    expect(applyFrames(cache, [frame("acme:3:0", "storm", { alerts: 900, incidents: 3, reason: "" })])).toBe(
      true,
    );
  });
});
