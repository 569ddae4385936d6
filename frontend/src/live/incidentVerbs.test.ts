import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { ApiError } from "@/api/client";
import { keys } from "@/api/keys";
import type { Incident } from "@/api/types";
import { anIncident } from "@/testing/cast";

import { perform } from "./incidentVerbs";
import type { RowList } from "./rows";

const key = keys.incidents({ status: ["open"] });

/** A server that gives prepared answers in turn and remembers what it was asked. */
class FakeServer {
  asked: { path: string; match: string | null; body: unknown }[] = [];
  private readonly answers: (() => Response)[] = [];

  answers_with(status: number, body: object): void {
    this.answers.push(
      () => new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } }),
    );
  }

  fetch = async (request: Request): Promise<Response> => {
    this.asked.push({
      path: new URL(request.url).pathname,
      match: request.headers.get("If-Match"),
      body: await request.json(),
    });
    const answer = this.answers.shift();
    if (!answer) throw new TypeError("nobody answers");
    return answer();
  };
}

describe("a verb on an incident", () => {
  let cache: QueryClient;
  let server: FakeServer;
  const shown = () => cache.getQueryData<RowList<Incident>>(key)?.rows[0];

  beforeEach(() => {
    cache = new QueryClient();
    cache.setQueryData(key, { rows: [anIncident()], next: null });
    server = new FakeServer();
    vi.stubGlobal("fetch", server.fetch);
  });

  afterEach(() => vi.unstubAllGlobals());

  it("shows at once, then what the server made of it", async () => {
    server.answers_with(200, anIncident({ status: "in_progress", acknowledged_by: "rio", revision: 2 }));
    const done = perform(cache, { incident: anIncident(), verb: "acknowledge", body: {} });
    expect(shown()?.status).toBe("in_progress");
    await done;
    expect(shown()?.acknowledged_by).toBe("rio");
    expect(server.asked).toEqual([
      { path: "/api/incidents/incident-1/acknowledge", match: null, body: { company_id: "acme" } },
    ]);
  });

  it("is taken back when the server cannot be reached", async () => {
    const done = perform(cache, { incident: anIncident(), verb: "acknowledge", body: {} });
    expect(shown()?.status).toBe("in_progress");
    await expect(done).rejects.toThrow(ApiError);
    expect(shown()?.status).toBe("new");
  });

  it("brings a row back that it had taken out of the list", async () => {
    const done = perform(cache, { incident: anIncident(), verb: "resolve", body: {} });
    expect(shown()).toBeUndefined();
    await expect(done).rejects.toThrow(ApiError);
    expect(shown()?.status).toBe("new");
  });

  it("shows what somebody else made of it when the two collide", async () => {
    const theirs = anIncident({ assigned_to: "carl", assigned_name: "Carl", revision: 5 });
    server.answers_with(409, { title: "Conflict", status: 409, detail: "changed", current: theirs });
    const mine = { assigned_to: "rio", assigned_name: "Rio" };
    const done = perform(cache, {
      incident: anIncident(),
      verb: "assign",
      body: { user_id: "rio" },
      foreseen: mine,
    });
    await expect(done).rejects.toThrow("changed");
    expect(shown()?.assigned_name).toBe("Carl");
  });

  it("tries again by itself when only an alert came in between", async () => {
    server.answers_with(409, {
      title: "Conflict",
      status: 409,
      detail: "changed",
      current: anIncident({ alert_count: 2, revision: 7 }),
    });
    server.answers_with(200, anIncident({ status: "resolved", revision: 8 }));
    const after = await perform(cache, {
      incident: anIncident(),
      verb: "resolve",
      body: { notes: "rebooted" },
    });
    expect(after.status).toBe("resolved");
    expect(server.asked.map((each) => each.match)).toEqual(['"1"', '"7"']);
  });
});
