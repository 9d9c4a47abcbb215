/** A value as an error shows it: one short line. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  // JSON has no NaN and no Infinity
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  let text: string;
  try {
    text = JSON.stringify(value) ?? typeof value;
  } catch {
    // nested more deeply than the stack goes
    text = Array.isArray(value) ? "a deeply nested array" : "a deeply nested object";
  }
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
