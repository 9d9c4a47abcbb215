import type { Manifest } from "./manifest.js";
import { parseManifest } from "./parse-manifest.js";

/** What fits in a line of this many columns stands in one: a tensor of the state, a file, a graph's input. */
const WIDTH = 180;

/**
 * The text of `manifest.json`: always the same for the same manifest (fields in the format's order, files sorted), easy
 * to read and to compare line by line, with a newline at the end.
 *
 * @throws UserError if {@link parseManifest} would not read it back.
 */
export function serializeManifest(manifest: Manifest): string {
  const entries = Object.entries(parseManifest(manifest, "manifest to write"));
  const lines = entries.map(
    ([name, value]) => `  ${JSON.stringify(name)}: ${pretty(value, "  ", name.length)}`,
  );
  return `{\n${lines.join(",\n")}\n}\n`;
}

/**
 * A JSON value, over several lines only where one would be too long.
 *
 * @param indent of the line on which the value begins.
 * @param before columns of that line already taken, beside the indent.
 */
function pretty(value: unknown, indent: string, before: number): string {
  const line = oneLine(value);
  if (typeof value !== "object" || value === null) return line;
  if (indent.length + before + line.length <= WIDTH) return line;
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const parts = value.map((item) => inner + pretty(item, inner, 0));
    return `[\n${parts.join(",\n")}\n${indent}]`;
  }
  const parts = Object.entries(value).map(
    ([name, item]) => `${inner}${JSON.stringify(name)}: ${pretty(item, inner, name.length)}`,
  );
  return `{\n${parts.join(",\n")}\n${indent}}`;
}

function oneLine(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(oneLine).join(", ")}]`;
  const parts = Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${oneLine(item)}`);
  return parts.length === 0 ? "{}" : `{ ${parts.join(", ")} }`;
}
