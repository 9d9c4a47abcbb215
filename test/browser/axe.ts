/** What axe-core finds in a page. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type * as axeCore from "axe-core";
import type { Page } from "playwright-core";

declare global {
  var axe: typeof axeCore;
}

/** Serious and critical problems, each with the places where it is. */
export async function seriousProblems(page: Page): Promise<string[]> {
  const path = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
  // Not as a script tag, which the page's policy may forbid.
  await page.evaluate(readFileSync(path, "utf8"));
  const { violations } = await page.evaluate(() => axe.run());
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
}
