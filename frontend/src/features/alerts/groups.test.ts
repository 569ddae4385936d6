import { expect, it } from "vitest";

import { anAlert } from "@/testing/cast";

import { groupAlerts, hourStrip } from "./groups";

it("puts the alerts of one incident under what they share", () => {
  const [group] = groupAlerts([
    anAlert({ labels: { site: "fra1", pod: "a" }, severity: "high" }),
    anAlert({ id: "alert-2", labels: { site: "fra1", pod: "b" }, severity: "critical" }),
  ]);
  expect(group?.alerts).toHaveLength(2);
  expect(group?.severity).toBe("critical");
  expect(group?.shared).toEqual([
    ["asset", "db-01"],
    ["signature", "disk_full"],
    ["tool", "Zabbix"],
    ["site", "fra1"],
  ]);
});

it("leaves alerts that are in no incident on their own", () => {
  const loose = { correlated_incident_id: null };
  expect(groupAlerts([anAlert(loose), anAlert({ id: "alert-2", ...loose })])).toHaveLength(2);
});

it("counts alerts by hour, the newest last, and one from a fast clock as now", () => {
  const now = Date.parse("2026-11-21T12:00:00Z");
  const hours = hourStrip(
    [
      anAlert({ timestamp: "2026-11-21T11:30:00.000000Z" }),
      anAlert({ timestamp: "2026-11-21T12:00:09.000000Z" }),
      anAlert({ timestamp: "2026-11-21T09:30:00.000000Z" }),
      anAlert({ timestamp: "2026-11-19T09:30:00.000000Z" }),
    ],
    now,
  );
  expect(hours.slice(-3)).toEqual([1, 0, 2]);
  expect(hours.reduce((sum, n) => sum + n, 0)).toBe(3);
});
