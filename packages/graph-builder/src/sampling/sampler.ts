/** A whole sampler as one graph: the table is a constant, a Loop walks it. */
import type { SamplerRow } from "@onnx-diffusion/diffusion";
import { buildModel } from "../build.js";
import { GraphError } from "../errors.js";
import { importModel } from "../import.js";
import type { Model } from "../model.js";
import { add, cast, clip, expand, floor, gather, loop, mul, reshape, sub, transpose } from "../ops/index.js";
import { constant, input, scalar, type Tensor } from "../tensor.js";
import { imageNoise } from "./noise.js";

/** What the graph is made of. */
export interface SamplerModelOptions {
  /** `inference_model`: `sample`, `timestep`?, `class_labels`? -> `out_sample`. */
  readonly network: Model;
  /** Of a sampler of packages/diffusion. */
  readonly rows: readonly SamplerRow[];
  /** The values that become pixels 0 and 255. */
  readonly range: readonly [number, number];
  /**
   * `input`: x_T is the input `noise` [N,C,H,W], and where the sampler takes more, that is `step_noise` [rows,N,C,H,W].
   * `seed`: both are drawn in the graph from the input `seed` (int64 scalar), the same as in packages/diffusion.
   */
  readonly noise: "input" | "seed";
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * The graph: noise or a seed in, `class_labels` int32 [N] for networks with classes; `images` uint8 [N,H,W,C] out. For
 * other networks a seed comes with `image_numbers` int32 [N], of which only the length counts: image i of a seed is always
 * the same. Sums are taken in float64 and rounded to float32 once a row, as in `sample` of packages/diffusion.
 * @throws GraphError for a network of other inputs, or without images of a fixed size.
 */
export function samplerModel({ network, rows, range, noise, metadata = {} }: SamplerModelOptions): Model {
  const { channels, height, width } = imageOf(network);
  const takes = (name: string): boolean => network.graph.inputs.some((value) => value.name === name);
  const labels = takes("class_labels") ? input("class_labels", "int32", ["batch"]) : undefined;
  const image = ["batch", channels, height, width];
  const isStochastic = rows.some((row) => row.noise !== 0);
  const seed = input("seed", "int64", []);
  const given = input("noise", "float32", image);
  const stepNoise = input("step_noise", "float32", [rows.length, ...image]);
  // without labels nothing else would say how many images are wanted
  const numbers = labels ?? input("image_numbers", "int32", ["batch"]);
  const drawn = { seed, batch: numbers, channels, height, width };
  const start =
    noise === "input" ? given : imageNoise({ ...drawn, purpose: "sampleInitial", row: scalar(0, "int64") });

  const memory = Math.max(...rows.map((row) => row.estimates.length));
  const column = (name: string, of: (row: SamplerRow) => number): Tensor =>
    constant("float64", [rows.length], rows.map(of), name);
  const table = {
    timestep: constant(
      "int32",
      [rows.length],
      rows.map((row) => row.timestep),
      "timesteps",
    ),
    x: column("of_x", (row) => row.x),
    estimate: [
      column("estimate_of_x", (row) => row.estimate[0]),
      column("estimate_of_eps", (row) => row.estimate[1]),
    ],
    estimates: Array.from({ length: memory }, (_, i) =>
      column(`of_estimate_${i}`, (row) => row.estimates[i] ?? 0),
    ),
    noise: column("of_noise", (row) => row.noise),
  } as const;

  const blank = mul(start, 0);
  const carried = [start, ...Array.from({ length: memory - 1 }, () => blank)];
  const walked = loop({ trips: scalar(rows.length, "int64"), carried }, (step, [x, ...before]) => {
    const at = (values: Tensor): Tensor => gather(values, step);
    const exact = (t: Tensor): Tensor => cast(t, "float64");
    const feeds = {
      sample: x!,
      ...(takes("timestep") ? { timestep: expand(reshape(at(table.timestep), [1]), ["batch"], [x!]) } : {}),
      ...(labels ? { class_labels: labels } : {}),
    };
    const eps = importModel(network, feeds).outputs.out_sample!;
    const estimate = cast(
      add(mul(exact(x!), at(table.estimate[0]!)), mul(exact(eps), at(table.estimate[1]!))),
      "float32",
    );
    const estimates = [estimate, ...before];
    let sum = mul(exact(x!), at(table.x));
    for (const [i, past] of estimates.entries()) sum = add(sum, mul(exact(past), at(table.estimates[i]!)));
    if (isStochastic) {
      const z =
        noise === "input" ? at(stepNoise) : imageNoise({ ...drawn, purpose: "sampleStep", row: step });
      sum = add(sum, mul(exact(z), at(table.noise)));
    }
    return { carried: [cast(sum, "float32"), ...estimates.slice(0, memory - 1)] };
  });
  const images = pixels(walked.carried[0]!, range);
  const inputs =
    noise === "seed"
      ? [seed, numbers]
      : [given, ...(isStochastic ? [stepNoise] : []), ...(labels ? [labels] : [])];
  return buildModel({
    name: `${network.graph.name}.sampler`,
    inputs,
    outputs: { images },
    metadata,
  });
}

/** Clamped, scaled to 0..255, rounded half up: uint8 [N,H,W,C]. */
function pixels(x: Tensor, [low, high]: readonly [number, number]): Tensor {
  const scaled = mul(sub(cast(clip(x, { min: low, max: high }), "float64"), low), 255 / (high - low));
  return transpose(cast(floor(add(scaled, 0.5)), "uint8"), [0, 2, 3, 1]);
}

/** The size of the images that a network takes. @throws GraphError where it is not fixed. */
export function imageOf({ graph }: Model) {
  const shape = graph.inputs.find(({ name }) => name === "sample")?.shape ?? [];
  const [, channels, height, width] = shape;
  if (typeof channels === "number" && typeof height === "number" && typeof width === "number") {
    return { channels, height, width };
  }
  throw new GraphError(
    `sampler of "${graph.name}": the input "sample" is [${shape.join(", ")}], expected [batch, C, H, W] with C, H and W fixed`,
  );
}
