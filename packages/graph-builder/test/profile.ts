/** What ONNX Runtime makes of a model: which of its nodes run, in which order. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { Dim, Model } from "../src/index.js";
import { writeOnnx } from "../src/index.js";
import { randoms } from "./run.js";

const ARRAYS = { float32: Float32Array, uint8: Uint8Array, int32: Int32Array } as const;

/** Values for a training graph: small weights, running variances of 1, images, timesteps and labels in their ranges. */
export function feedsOf({ graph }: Model, sizes: Readonly<Record<string, number>>): Record<string, Tensor> {
  const random = randoms(1);
  const sizeOf = (dim: Dim) => (typeof dim === "number" ? dim : sizes[dim]!);
  return Object.fromEntries(
    graph.inputs.map(({ name, dtype, shape }) => {
      const dims = shape.map(sizeOf);
      const at = () =>
        name.endsWith("running_var")
          ? 1
          : dtype === "float32"
            ? (random() - 0.5) / 2
            : Math.floor(random() * 10);
      const array = ARRAYS[dtype as keyof typeof ARRAYS];
      const data = new array(dims.reduce((a, b) => a * b, 1)).map(at);
      return [name, new Tensor(dtype as "float32", data as Float32Array, dims)];
    }),
  );
}

/** The names of the nodes that ran, in the order in which they did. */
export async function ranNodes(
  model: Model,
  sizes: Readonly<Record<string, number>>,
  graphOptimizationLevel: "disabled" | "all",
): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "profile-"));
  try {
    const session = await InferenceSession.create(writeOnnx(model), {
      graphOptimizationLevel,
      enableProfiling: true,
      profileFilePrefix: join(folder, "run"),
      logSeverityLevel: 3,
    });
    await session.run(feedsOf(model, sizes));
    session.endProfiling();
    const [file] = await readdir(folder);
    const events: { name: string }[] = JSON.parse(await readFile(join(folder, file!), "utf8"));
    return events.flatMap(({ name }) => /^(.*)_kernel_time$/.exec(name)?.[1] ?? []);
  } finally {
    await rm(folder, { recursive: true });
  }
}
