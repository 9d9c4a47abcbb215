import { UserError } from "@onnx-diffusion/diffusion";
import { GraphError, type Model, readOnnx } from "@onnx-diffusion/graph-builder";
import { readBytes } from "./files.js";

/** The graph in an ONNX file. @throws UserError naming the path and what is wrong with it. */
export function readGraph(path: string): Model {
  return explained(path, () => readOnnx(readBytes(path)));
}

/** What `work` gives. @throws UserError with the path where it throws a GraphError. */
export function explained<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof GraphError ? new UserError(`${path}: ${error.message}`, { cause: error }) : error;
  }
}
