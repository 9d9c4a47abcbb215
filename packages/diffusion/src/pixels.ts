/**
 * Pixels from the model's range to 0..255: clamped, scaled, rounded; a value that is no number becomes 0.
 *
 * @param x values of any layout.
 * @param range the values that become 0 and 255.
 * @param out as many bytes as `x` has values, or more.
 */
export function toPixels(x: Float32Array, [low, high]: readonly [number, number], out: Uint8Array): void {
  const scale = 255 / (high - low);
  for (let i = 0; i < x.length; i++) {
    const value = Math.min(high, Math.max(low, x[i]!));
    out[i] = Math.round((value - low) * scale);
  }
}
