/** The packages that a program needs, copied out of however a package manager laid them into one plain tree. */

import { cpSync, existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { UserError } from "@onnx-diffusion/diffusion";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;

/** The folder of a package as one in `from` would find it; undefined where there is none. */
function find(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) return realpathSync(candidate);
    if (dirname(folder) === folder) return undefined;
  }
}

/**
 * Copies a package and all that it depends on, each into node_modules of `out`; where two of one name differ in their
 * version, the later one lies inside the package that needs it.
 *
 * @param skip files that are left out, by their path below a package's folder.
 * @returns how many packages were copied.
 * @throws UserError where a dependency is not installed.
 */
export function copyPackages(
  root: string,
  out: string,
  skip: (name: string, path: string) => boolean,
): number {
  const top = new Map<string, string>();
  let count = 0;
  const copy = (source: string, target: string, name: string): void => {
    count++;
    cpSync(source, target, {
      recursive: true,
      dereference: true,
      filter: (path) => {
        const below = path.slice(source.length + 1);
        return !below.split(sep).includes("node_modules") && !skip(name, below);
      },
    });
  };
  const visit = (source: string, target: string): void => {
    const { name, dependencies = {}, optionalDependencies = {} } = manifestOf(source);
    copy(source, target, name);
    for (const dependency of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const found = find(dependency, source);
      if (found === undefined) {
        // Such as another system's binaries.
        if (Object.hasOwn(optionalDependencies, dependency)) continue;
        throw new UserError(`bundle: ${name} needs ${dependency}, which is not installed; install again`);
      }
      if (top.get(dependency) === found) continue;
      const first = !top.has(dependency);
      if (first) top.set(dependency, found);
      visit(found, join(first ? out : target, "node_modules", dependency));
    }
  };
  const { name } = manifestOf(root);
  top.set(name, realpathSync(root));
  visit(realpathSync(root), join(out, "node_modules", name));
  return count;
}
