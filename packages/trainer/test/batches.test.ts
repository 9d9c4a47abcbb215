import { fillInts, fillNormals } from "@onnx-diffusion/diffusion";
import { describe, expect, it } from "vitest";
import { batchMaker, type Chunk } from "../src/batches.js";
import type { Dataset } from "../src/data/index.js";
import { smallManifest } from "./small-manifest.js";

/** Image i is filled with i, and so is its label. */
const dataset: Dataset = {
  name: "numbers",
  count: 10,
  channels: 1,
  height: 2,
  width: 3,
  classes: 10,
  classNames: [],
  digest: "",
  images: (indices, out) => {
    for (let i = 0; i < indices.length; i++) out.fill(indices[i]!, i * 6, (i + 1) * 6);
  },
  labels: (indices, out) => {
    for (let i = 0; i < indices.length; i++) out[i] = indices[i]!;
  },
};

const make = () => batchMaker(smallManifest, dataset, { seed: 5, batch: 4 });
const NAMES = ["images", "timestep", "noise", "labels"] as const;

/** The chunks' arrays, one after the other. */
function joined(chunks: readonly Chunk[]): number[][] {
  return NAMES.map((name) => chunks.flatMap((chunk) => [...chunk[name]]));
}

describe("batches", () => {
  it("go through every image once an epoch, across batches that cross its end", () => {
    // 5 steps of 4 are two epochs of 10
    const { labels, images } = make()({ first: 1, steps: 5 });
    const everyone = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    const epochs = [labels.slice(0, 10), labels.slice(10, 20)];
    for (const epoch of epochs) expect([...epoch].sort((a, b) => a - b)).toEqual(everyone);
    expect([...epochs[0]!]).not.toEqual([...epochs[1]!]);
    expect([...images]).toEqual([...labels].flatMap((label) => Array(6).fill(label)));
  });

  it("are the same however they are stacked, and wherever one begins", () => {
    const whole = joined([make()({ first: 1, steps: 12 })]);
    const maker = make();
    const ranges = [
      { first: 1, steps: 5 },
      { first: 6, steps: 1 },
      { first: 7, steps: 6 },
    ];
    expect(joined(ranges.map(maker))).toEqual(whole);
    expect(joined([make()({ first: 9, steps: 1 })])).toEqual(
      whole.map((values) => values.slice((values.length / 12) * 8, (values.length / 12) * 9)),
    );
  });

  it("draw timesteps and noise from the streams of their step", () => {
    const { timestep, noise } = make()({ first: 3, steps: 2 });
    const levels = new Int32Array(4);
    fillInts(levels, 1, 50, { seed: 5, purpose: "timestep", index: 4 });
    expect(timestep.slice(4)).toEqual(levels);
    const normals = new Float32Array(24);
    fillNormals(normals, { seed: 5, purpose: "noise", index: 3 });
    expect(noise.slice(0, 24)).toEqual(normals);
  });

  it("differ between seeds", () => {
    const other = batchMaker(smallManifest, dataset, { seed: 6, batch: 4 });
    const [a, b] = [make(), other].map((maker) => joined([maker({ first: 1, steps: 2 })]));
    for (const i of NAMES.keys()) expect(a![i]).not.toEqual(b![i]);
  });
});
