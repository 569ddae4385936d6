import { render, screen, within } from "@testing-library/react";
import { expect, it } from "vitest";

import { anAlert, anIncident, reason } from "@/testing/cast";

import { joinedByHand, sharedFields } from "./evidence";
import { WhyGrouped } from "./WhyGrouped";

const incident = anIncident({ alert_count: 3 });
const alerts = [
  anAlert(),
  anAlert({ id: "alert-2" }),
  anAlert({ id: "alert-3", asset_name: "db-02", reason: { ...reason, kind: "manual" } }),
];

it("gives the engine's own sentence and how far the noise went down", () => {
  render(<WhyGrouped incident={incident} alerts={alerts} />);
  const card = screen.getByTestId("why-grouped");
  expect(within(card).getByText("Why these 3 alerts are one incident")).toBeTruthy();
  expect(card.textContent).toContain("Same asset and signature within 15 minutes.");
  expect(card.textContent).toContain("Reduced 3 → 1.");
  expect(card.textContent).toContain("1 alert joined by hand.");
});

it("shows each shared field with its value and for how many alerts it holds", () => {
  render(<WhyGrouped incident={incident} alerts={alerts} />);
  expect(screen.getByRole("row", { name: "asset db-01 2 / 3" })).toBeTruthy();
  expect(screen.getByRole("row", { name: "signature disk_full 3 / 3" })).toBeTruthy();
});

it("says nothing of coverage before the alerts are there", () => {
  render(<WhyGrouped incident={incident} alerts={undefined} />);
  expect(screen.getByRole("row", { name: "asset db-01 —" })).toBeTruthy();
});

it("looks for a label of the key among the labels of an alert", () => {
  const byCluster = anIncident({ reason: { ...reason, fields: { "labels.cluster": "eu" } } });
  expect(sharedFields(byCluster, [anAlert({ labels: { cluster: "eu" } }), anAlert()])).toEqual([
    { name: "labels.cluster", value: "eu", covers: 1 },
  ]);
});

it("counts what a person moved here", () => {
  expect(joinedByHand(alerts)).toBe(1);
});
