import { UserError } from "@onnx-diffusion/diffusion";
import { GraphError, type Model, OPSET, readOnnx } from "@onnx-diffusion/graph-builder";
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

/** @throws UserError for an operator set that is newer than what every runtime's providers have. */
export function checkOpset(path: string, { opset }: Model): void {
  if (opset <= OPSET) return;
  throw new UserError(
    `${path}: found operator set ${opset}, expected ${OPSET} or less, which every runtime's providers have; ` +
      `export it again, or convert it with onnx.version_converter.convert_version(model, ${OPSET})`,
  );
}
