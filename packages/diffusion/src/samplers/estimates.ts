/** What rows keep of the network's output, which is eps. */

import type { SamplerRow } from "../table.js";

/** eps itself. */
export const EPS: SamplerRow["estimate"] = [0, 1];

/** x0 = (x - sqrt(1 - alphaBar) eps) / sqrt(alphaBar). */
export const x0Estimate = (alphaBar: number): SamplerRow["estimate"] => [
  1 / Math.sqrt(alphaBar),
  -Math.sqrt((1 - alphaBar) / alphaBar),
];
