import { afterEach, expect, it } from "vitest";

import type { Incident } from "@/api/types";
import { anIncident, frame } from "@/testing/cast";

import { caughtUp, forget, position, remember } from "./recent";
import { incidentView } from "./views";

afterEach(forget);

const types = ["incident_created", "incident_updated"] as const;
const view = incidentView({ status: ["open"] });

it("reads the company, the commit and the place out of an event id", () => {
  expect(position("01a1-b3:17:2")).toEqual({ company: "01a1-b3", seq: 17, n: 2 });
  expect(position("")).toBeNull();
});

it("lays what happened during a fetch over its older answer", () => {
  remember([frame("acme:8:0", "incident_created", anIncident({ id: "incident-2" }))]);
  const fetched = { rows: [anIncident()], next: null };
  expect(caughtUp<Incident>(fetched, { acme: 7 }, types, view).rows.map((row) => row.id)).toEqual([
    "incident-2",
    "incident-1",
  ]);
});

it("leaves an answer alone that is as new as all that was heard", () => {
  remember([frame("acme:8:0", "incident_created", anIncident({ id: "incident-2" }))]);
  const fetched = { rows: [anIncident()], next: null };
  expect(caughtUp<Incident>(fetched, { acme: 8 }, types, view)).toBe(fetched);
});
