import { expect, it } from "vitest";

import { liveCursors, nextCursor } from "./client";

it("finds the next page's cursor in a Link header", () => {
  expect(nextCursor('</api/alerts?limit=2&cursor=abc%3D>; rel="next"')).toBe("abc=");
  expect(nextCursor(null)).toBeNull();
  expect(nextCursor('</api/alerts>; rel="prev"')).toBeNull();
});

it("reads the log positions of a list, company by company", () => {
  expect(liveCursors("acme:12,globex:7")).toEqual({ acme: 12, globex: 7 });
  expect(liveCursors(null)).toEqual({});
});
