import { UserError } from "@onnx-diffusion/diffusion";

/** A graph that cannot be: names the node, what it found, what it expected, and the way out. */
export class GraphError extends UserError {
  override readonly name: string = "GraphError";
}
