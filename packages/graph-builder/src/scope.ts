/** The path of the layer being built, so that nodes and errors carry its name (`down1.conv`). */
const path: string[] = [];

export const currentScope = (): string => path.at(-1) ?? "";

/** Runs `body` with `scope` as the name of the nodes that it makes. */
export function inScope<T>(scope: string, body: () => T): T {
  path.push(scope);
  try {
    return body();
  } finally {
    path.pop();
  }
}
