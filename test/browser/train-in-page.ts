/** Runs in the page: training steps on WebGPU or in WASM. */
import { env, InferenceSession, Tensor } from "onnxruntime-web/webgpu";

env.wasm.wasmPaths = "/";

/** A tensor as it travels between Node and the page. */
export interface Values {
  readonly dtype: "float32" | "int32" | "uint8";
  readonly dims: readonly number[];
  readonly data: readonly number[];
}

export interface Run {
  readonly device: "webgpu" | "wasm";
  /** Of the graph, on the page's server. */
  readonly url: string;
  readonly state: Readonly<Record<string, Values>>;
  /** The inputs beside the state, the same in each step. */
  readonly batch: Readonly<Record<string, Values>>;
  readonly steps: number;
}

const ARRAYS = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array };

const tensor = ({ dtype, dims, data }: Values): Tensor => new Tensor(dtype, ARRAYS[dtype].from(data), dims);

const tensors = (values: Readonly<Record<string, Values>>): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, tensor(value)]));

/** The losses of the steps, and the state after them. */
async function train({ device, url, state, batch, steps }: Run) {
  const graph = new Uint8Array(await (await fetch(url)).arrayBuffer());
  const session = await InferenceSession.create(graph, { executionProviders: [device], logSeverityLevel: 3 });
  const names = Object.keys(state);
  let carried = tensors(state);
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const results = await session.run({ ...carried, ...tensors(batch) });
    losses.push(Number(results.loss!.data[0]));
    carried = Object.fromEntries(names.map((name) => [name, results[`${name}.next`]!]));
  }
  await session.release();
  return {
    losses,
    state: Object.fromEntries(names.map((name) => [name, [...(carried[name]!.data as Float32Array)]])),
  };
}

declare global {
  var trainInPage: typeof train;
}

globalThis.trainInPage = train;
