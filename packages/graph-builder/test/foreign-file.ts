/** ONNX files as other programs write them, for tests. */
import onnxProto, { type onnx as Proto } from "onnx-proto";
import { importModel, readOnnx } from "../src/index.js";
import { evaluate, floats } from "./run.js";

export const { ModelProto } = onnxProto.onnx;
const { AttributeProto, TensorProto } = onnxProto.onnx;
export const { FLOAT, INT64 } = TensorProto.DataType;
export const { AttributeType } = AttributeProto;

export const value = (name: string, dims: (number | string)[] = [2, 3], elemType: number = FLOAT) => ({
  name,
  type: {
    tensorType: {
      elemType,
      shape: { dim: dims.map((d) => (typeof d === "number" ? { dimValue: d } : { dimParam: d })) },
    },
  },
});

/** The bytes of a model as another writer makes them: x [2,3] -> y, unless the graph says otherwise. */
export function file(graph: Proto.IGraphProto, model: Proto.IModelProto = {}): Uint8Array {
  return ModelProto.encode({
    irVersion: 8,
    opsetImport: [{ version: 21 }],
    graph: { input: [value("x")], output: [value("y")], ...graph },
    ...model,
  }).finish();
}

export const op = (opType: string, inputs: string[], outputs: string[], more: Proto.INodeProto = {}) => ({
  opType,
  name: `make_${outputs[0]}`,
  input: inputs,
  output: outputs,
  ...more,
});

export const read = (graph: Proto.IGraphProto, model: Proto.IModelProto = {}) =>
  importModel(readOnnx(file(graph, model)));

export const X = [1, -2, 3, -0.5, 0.25, 0];

/** Runs what was read, with x = X. */
export async function run({ inputs, outputs }: ReturnType<typeof importModel>): Promise<number[]> {
  const results = await evaluate([[inputs.x!, floats([2, 3], X)]], { y: outputs.y! });
  return Array.from(results.y!.data as Float32Array);
}
