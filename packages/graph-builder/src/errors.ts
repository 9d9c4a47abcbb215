import { UserError } from "@onnx-diffusion/diffusion";

/** A graph that cannot be: names the node, what it found, what it expected, and the way out. */
export class GraphError extends UserError {
  override readonly name: string = "GraphError";
}

/** A name from a file as an error shows it: quoted, one short line, whatever it holds. */
export function quote(name: string): string {
  const plain = JSON.stringify(name.slice(0, 81)).replace(/[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, "?");
  return name.length > 80 ? `${plain.slice(0, 79)}…"` : plain;
}
