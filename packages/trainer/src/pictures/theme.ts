/** The colours of all pictures: near-black on white, two greys, one blue. */
export const INK = "#16191f";
export const TEXT = "#454b57";
export const MUTED = "#6d7480";
export const RULE = "#e7e9ee";
export const AXIS = "#b6bbc5";
export const ACCENT = "#1c53cf";
export const ACCENT_PALE = "#bfd0f5";
export const BACKGROUND = "#ffffff";

/** `12345` as `12,345`, the same in every locale. */
export function withCommas(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/gu, ",");
}
