// Fails the build when a visitor would download more than the budgets allow (gzip, kB).
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const limits = { initial: 220, route: 130, css: 15, font: 50 };
const web = fileURLToPath(new URL("../../src/alertwhisperer/web", import.meta.url));
const manifest = JSON.parse(readFileSync(join(web, ".vite/manifest.json"), "utf8"));

const kb = (file, packed = true) => {
  const bytes = readFileSync(join(web, file));
  return (packed ? gzipSync(bytes).length : bytes.length) / 1024;
};

/** Every JavaScript file that loading this chunk pulls in at once. */
function closure(key, seen = new Set()) {
  const chunk = manifest[key];
  if (!chunk || seen.has(chunk.file)) return seen;
  seen.add(chunk.file);
  for (const next of chunk.imports ?? []) closure(next, seen);
  return seen;
}

const sum = (files) => [...files].reduce((total, file) => total + kb(file), 0);
const entry = Object.keys(manifest).find((key) => manifest[key].isEntry);
const initial = closure(entry);
const measured = [["initial JS", sum(initial), limits.initial]];
for (const [key, chunk] of Object.entries(manifest)) {
  if (!chunk.isDynamicEntry) continue;
  const own = [...closure(key)].filter((file) => !initial.has(file));
  measured.push([`route ${chunk.name}`, sum(own), limits.route]);
}
const assets = new Set(
  Object.values(manifest).flatMap((chunk) => [...(chunk.css ?? []), ...(chunk.assets ?? [])]),
);
const sheets = [...assets].filter((file) => file.endsWith(".css"));
measured.push(["CSS", sum(sheets), limits.css]);
for (const font of [...assets].filter((file) => file.endsWith(".woff2"))) {
  measured.push([`font ${font}`, kb(font, false), limits.font]);
}

let failed = false;
for (const [name, size, limit] of measured) {
  const over = size > limit;
  failed ||= over;
  process.stdout.write(`${over ? "OVER" : "  ok"}  ${size.toFixed(1).padStart(6)} / ${limit} kB  ${name}\n`);
}
process.exit(failed ? 1 : 0);
