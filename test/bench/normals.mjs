/**
 * Standard normals a second, on one core.
 *
 *   node test/bench/normals.mjs
 */
import { fillNormals } from "@onnx-diffusion/diffusion";

const out = new Float32Array(8 * 49152);
const rates = [];
for (let index = -30; index < 60; index++) {
  const start = performance.now();
  fillNormals(out, { seed: 7, purpose: "noise", index: Math.abs(index) });
  // the first ones are compiled
  if (index >= 0) rates.push(out.length / 1000 / (performance.now() - start));
}
rates.sort((a, b) => a - b);
console.log(`${rates[30].toFixed(0)} million a second (median), ${rates[59].toFixed(0)} at best`);
