/** What networks predict, in terms of eps: x_t = sqrt(alphaBar) x0 + sqrt(1 - alphaBar) eps. */

import type { SamplerRow } from "./table.js";

/**
 * - `eps`: the noise (Ho et al. 2020).
 * - `x0`: the image.
 * - `v` = sqrt(alphaBar) eps - sqrt(1 - alphaBar) x0 (Salimans and Ho, "Progressive distillation" (2022), section 4).
 */
export const PREDICTIONS = ["eps", "x0", "v"] as const;
/** What a network's output is. */
export type Prediction = (typeof PREDICTIONS)[number];

/** eps = `x` * x_t + `output` * output. */
export function epsFrom(
  prediction: Prediction,
  alphaBar: number,
): { readonly x: number; readonly output: number } {
  switch (prediction) {
    case "eps":
      return { x: 0, output: 1 };
    case "x0":
      return { x: 1 / Math.sqrt(1 - alphaBar), output: -Math.sqrt(alphaBar / (1 - alphaBar)) };
    case "v":
      return { x: Math.sqrt(1 - alphaBar), output: Math.sqrt(alphaBar) };
  }
}

/** A table for networks that predict eps as one for networks that predict something else. */
export function forPrediction(rows: readonly SamplerRow[], prediction: Prediction): SamplerRow[] {
  return rows.map((row) => {
    const [ofX, ofEps] = row.estimate;
    const eps = epsFrom(prediction, row.alphaBar);
    return { ...row, estimate: [ofX + ofEps * eps.x, ofEps * eps.output] };
  });
}
