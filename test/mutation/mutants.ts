/**
 * Runs each mutant against the tests that reach it, in one process: the sources hold all mutants, and a global variable
 * says which is active. Not a test of the suite: it is started by `npx -y pnpm@12 mutation`.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { expect, inject, type RunnerTask, type RunnerTestCase, TestRunner, test } from "vitest";
import type { Mutant } from "./instrument.js";

// Their tests are this file's.
for (const name of inject("tests")) {
  if (name === "node-tests") await import("../../packages/graph-builder/test/node-tests/node-tests.test.js");
  else await import(`../../packages/graph-builder/test/${name}.test.ts`);
}

declare module "vitest" {
  interface ProvidedContext {
    readonly mutants: readonly Mutant[];
    /** Files of tests, and a pattern for the names of the tests in them. */
    readonly tests: readonly string[];
    readonly match: string;
    readonly results: string;
  }
}

/** What Stryker's instrumenter puts into the sources reads and writes this. */
interface Switch {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
  mutantCoverage?: {
    readonly static: Readonly<Record<string, number>>;
    readonly perTest: Readonly<Record<string, Readonly<Record<string, number>>>>;
  };
}
const global: { __stryker__?: Switch } = globalThis as object;
global.__stryker__ ??= {};
const state = global.__stryker__;

/** "killed": a test fails; "static": run once when the sources are loaded, and by no test. */
type Fate = "killed" | "survived" | "static" | "no coverage" | "started";

const testsIn = (task: RunnerTask): readonly RunnerTestCase[] =>
  task.type === "suite" ? task.tasks.flatMap(testsIn) : task.type === "test" ? [task] : [];

/** A test's name after those of what it lies in: `Add broadcast > the gradient is that of numeric differences`. */
const fullName = (task: RunnerTask): string =>
  task.suite ? `${fullName(task.suite)} > ${task.name}` : task.name;

const passes = async (t: RunnerTestCase): Promise<boolean> => {
  try {
    await TestRunner.getTestFn(t)();
    return true;
  } catch {
    return false;
  }
};

test("mutants", { timeout: 0 }, async ({ task }) => {
  const wanted = new RegExp(inject("match"));
  const all = task.file.tasks.flatMap(testsIn).filter((t) => t.id !== task.id && wanted.test(fullName(t)));
  const durations = new Map<string, number>();
  for (const t of all) {
    state.currentTestId = t.id;
    const start = performance.now();
    await TestRunner.getTestFn(t)();
    durations.set(t.id, performance.now() - start);
  }
  state.currentTestId = undefined;
  console.log(`${all.length} tests pass without a mutant`);
  const quickestFirst = all.toSorted((a, b) => durations.get(a.id)! - durations.get(b.id)!);
  const { perTest, static: loaded } = state.mutantCoverage!;
  const log = inject("results");
  const mutants = inject("mutants");
  const current = new Set(mutants.map((m) => m.key));
  const files = new Set(mutants.map((m) => m.file));
  const lines = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n").filter(Boolean) : [];
  const found = lines.map((line) => JSON.parse(line) as Mutant & { readonly fate: Fate });
  // Of another text of a file nothing is known any more.
  const kept = found.filter(({ key, file }) => current.has(key) || !files.has(file));
  writeFileSync(log, kept.map((m) => `${JSON.stringify(m)}\n`).join(""));
  const known = new Map(kept.map(({ key, fate }) => [key, fate]));
  const note = (mutant: Mutant, fate: Fate, by?: string) =>
    appendFileSync(log, `${JSON.stringify({ ...mutant, fate, by })}\n`);

  for (const [i, mutant] of mutants.entries()) {
    const fate = known.get(mutant.key);
    if (fate === "killed") continue;
    // The process ended while this one was active.
    if (fate === "started") {
      note(mutant, "killed", "the process, which it ended");
      continue;
    }
    const reaching = quickestFirst.filter((t) => perTest[t.id]?.[mutant.id]);
    if (reaching.length === 0) {
      // What other tests have found stands.
      if (fate === undefined) note(mutant, loaded[mutant.id] ? "static" : "no coverage");
      continue;
    }
    note(mutant, "started");
    let killer: string | undefined;
    for (const t of reaching) {
      Object.assign(state, {
        activeMutant: mutant.id,
        hitCount: 0,
        hitLimit: 1000 + 100 * perTest[t.id]![mutant.id]!,
      });
      if (await passes(t)) continue;
      killer = t.name;
      break;
    }
    state.activeMutant = undefined;
    note(mutant, killer === undefined ? "survived" : "killed", killer);
    if (i % 100 === 0) console.log(`${i} of ${mutants.length}`);
  }
  expect(mutants.length).toBeGreaterThan(0);
});
