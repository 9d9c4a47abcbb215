/**
 * `npx -y pnpm@12 mutation [FILE...]`: mutants of files of packages/graph-builder/src (by default the operators and what
 * differentiates) against the builder's tests. Of an earlier run on the same text of a file, what was killed is not tried
 * again. docs/MUTATION.md says what was found.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";

const LOG = ".cache/mutation.jsonl";
mkdirSync(".cache", { recursive: true });
const args = ["run", "--config", "test/mutation/vitest.config.ts", "--testNamePattern", "^mutants$"];
const files = process.argv.slice(2);
const env = { ...process.env, ...(files.length > 0 && { MUTATE: files.join() }) };
const lines = () => (existsSync(LOG) ? readFileSync(LOG, "utf8").trim().split("\n") : []);

// A mutant can end the process, such as one that has ONNX Runtime read where nothing is: another one goes on behind it.
let known = -1;
let status = 1;
while (status !== 0 && lines().length > known) {
  known = lines().length;
  status = spawnSync("node_modules/.bin/vitest", args, { stdio: "inherit", env }).status;
}
process.exitCode = status ?? 1;

const fates = new Map(lines().map((line) => [JSON.parse(line).key, JSON.parse(line)]));
const short = (text) => text.replace(/\s+/g, " ").slice(0, 70);
const counts = {};
for (const { file, line, fate, was, becomes } of fates.values()) {
  if (fate === "survived" || fate === "no coverage")
    console.log(`${file}:${line} ${fate}: ${short(was)}  ->  ${short(becomes)}`);
  for (const each of [file, "all"]) {
    counts[each] ??= { killed: 0, survived: 0, "no coverage": 0, static: 0 };
    counts[each][fate]++;
  }
}
console.table(counts);
