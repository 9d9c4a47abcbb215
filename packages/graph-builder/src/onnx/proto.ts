/** onnx-proto's generated classes; a CommonJS package, whose names Node does not see as ES module exports. */
import onnxProto from "onnx-proto";

export const { onnx } = onnxProto;
export type { onnx as Proto } from "onnx-proto";
