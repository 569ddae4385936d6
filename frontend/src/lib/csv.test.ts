import { describe, expect, it } from "vitest";

import { csvField, csvHead, csvRows, type CsvColumn } from "./csv";

describe("a CSV file", () => {
  it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])("never holds %j as a formula", (sent) => {
    expect(csvField(sent).replace('"', "").startsWith("'")).toBe(true);
  });

  it("leaves numbers of ours, plain texts and texts with signs inside as they are", () => {
    expect([csvField(-5), csvField("db-01"), csvField("a=b"), csvField(null), csvField(false)]).toEqual([
      "-5",
      "db-01",
      "a=b",
      "",
      "false",
    ]);
  });

  it("quotes commas, quotes and line breaks", () => {
    expect(csvField('say "hi", twice\nplease')).toBe('"say ""hi"", twice\nplease"');
    expect(csvField("=cmd|'/c calc'!A1, x")).toBe(`"'=cmd|'/c calc'!A1, x"`);
  });

  it("begins with the mark of UTF-8 and ends each line by CR and LF", () => {
    const columns: CsvColumn<{ name: string; n: number }>[] = [
      ["name", (row) => row.name],
      ["n", (row) => row.n],
    ];
    expect(csvHead(columns) + csvRows(columns, [{ name: "Zürich", n: 2 }])).toBe(
      "\uFEFFname,n\r\nZürich,2\r\n",
    );
  });
});
