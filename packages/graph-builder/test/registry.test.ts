/** The list that files are read by has every operator that is declared: a file of operators must hand its entries on. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { OPS, READINGS } from "../src/ops/registry.js";

const folder = fileURLToPath(new URL("../src/ops/", import.meta.url));

test("every operator declared in src/ops is listed, once", () => {
  const declared = readdirSync(folder).flatMap((file) => {
    const source = readFileSync(`${folder}${file}`, "utf8");
    return [...source.matchAll(/\bdefine[A-Z]\w*\(\s*"([A-Z]\w*)"/g)].map((match) => match[1]!);
  });
  // What the pattern finds at the least: if it stopped finding, nothing would be compared.
  expect(declared.length).toBeGreaterThan(50);
  expect([...OPS.keys(), ...READINGS.keys()].sort()).toEqual(declared.sort());
});
