/** Puts every mutant into the sources at once, each behind a switch (Stryker's instrumenter). */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Instrumenter } from "@stryker-mutator/instrumenter";
import type { Plugin } from "vitest/config";

/** One small change of one source file. */
export interface Mutant {
  readonly id: string;
  /** Names the change and the text of its file, from run to run. */
  readonly key: string;
  readonly file: string;
  readonly line: number;
  readonly mutator: string;
  readonly was: string;
  readonly becomes: string;
}

const root = fileURLToPath(new URL("../../packages/graph-builder/src/", import.meta.url));
const quiet = new Proxy(
  {},
  { get: (_, name) => (`${String(name)}`.startsWith("is") ? () => false : () => {}) },
);

/** The files (of a folder where a path ends so) with their mutants, and a plugin that hands them to Vite in place of the real ones. */
export async function instrument(
  paths: readonly string[],
): Promise<{ readonly mutants: readonly Mutant[]; readonly plugin: Plugin }> {
  const files = paths
    .flatMap((path) =>
      path.endsWith("/") ? readdirSync(`${root}${path}`).map((f) => `${path}${f}`) : [path],
    )
    .map((file) => ({
      name: `${root}${file}`,
      content: readFileSync(`${root}${file}`, "utf8"),
      mutate: true,
    }));
  // Its logger has ten methods, of which none matters here.
  const instrumenter = new Instrumenter(quiet as ConstructorParameters<typeof Instrumenter>[0]);
  const result = await instrumenter.instrument(files, { plugins: null, ignorers: [], excludedMutations: [] });
  const sources = new Map(files.map((f) => [f.name, f.content]));
  const instrumented = new Map(result.files.map((f) => [f.name, f.content]));
  const mutants = result.mutants.map(({ id, fileName, location, mutatorName, replacement }): Mutant => {
    const source = sources.get(fileName)!;
    const offset = ({ line, column }: { line: number; column: number }) =>
      source.split("\n").slice(0, line).join("\n").length + (line > 0 ? 1 : 0) + column;
    const was = source.slice(offset(location.start), offset(location.end));
    const place = JSON.stringify([location, mutatorName, replacement]);
    const key = createHash("sha256").update(source).update(place).digest("hex").slice(0, 16);
    const file = fileName.slice(root.length);
    return { id, key, file, line: location.start.line + 1, mutator: mutatorName, was, becomes: replacement };
  });
  return {
    mutants,
    plugin: {
      name: "mutants",
      enforce: "pre",
      transform: (_, id) => instrumented.get(id.split("?")[0]!),
    },
  };
}
