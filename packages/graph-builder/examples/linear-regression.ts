/**
 * Linear regression, the shortest whole: loss, gradients and update are one ONNX graph, which ONNX Runtime then runs
 * again and again. `npx -y pnpm@12 example packages/graph-builder/examples/linear-regression.ts`
 */
import {
  add,
  buildModel,
  gradients,
  input,
  matmul,
  mul,
  reduceMean,
  sub,
  writeOnnx,
} from "@onnx-diffusion/graph-builder";
import { InferenceSession, Tensor } from "onnxruntime-node";

/** One step of gradient descent on the mean of (x w + b - y)^2. */
function gradientDescent(features: number): Uint8Array {
  const x = input("x", "float32", ["batch", features]);
  const y = input("y", "float32", ["batch", 1]);
  const w = input("w", "float32", [features, 1]);
  const b = input("b", "float32", [1]);
  const rate = input("rate", "float32", []);

  const error = sub(add(matmul(x, w), b), y);
  const loss = reduceMean(mul(error, error));
  const [dw, db] = gradients(loss, [w, b]) as [typeof w, typeof b];
  const outputs = { loss, "w.next": sub(w, mul(dw, rate)), "b.next": sub(b, mul(db, rate)) };
  return writeOnnx(buildModel({ name: "gradient-descent", inputs: [x, y, w, b, rate], outputs }));
}

export interface Line {
  readonly w: readonly number[];
  readonly b: number;
  readonly loss: number;
}

/** The w and b with which x w + b is nearest to y. x: [rows, features], y: [rows]. */
export async function fit(
  x: readonly (readonly number[])[],
  y: readonly number[],
  { steps = 300, rate = 0.1 } = {},
): Promise<Line> {
  const features = x[0]!.length;
  const session = await InferenceSession.create(gradientDescent(features));
  const tensor = (values: readonly number[], dims: number[]) =>
    new Tensor("float32", Float32Array.from(values), dims);
  const data = {
    x: tensor(x.flat(), [x.length, features]),
    y: tensor(y, [y.length, 1]),
    rate: tensor([rate], []),
  };
  let w = tensor(Array(features).fill(0), [features, 1]);
  let b = tensor([0], [1]);
  let loss = Number.NaN;
  for (let step = 0; step < steps; step++) {
    const results = await session.run({ ...data, w, b });
    w = results["w.next"]! as typeof w;
    b = results["b.next"]! as typeof b;
    loss = results.loss!.data[0] as number;
  }
  return { w: [...w.data], b: b.data[0]!, loss };
}

if (process.argv[1] === import.meta.filename) {
  const x = Array.from({ length: 200 }, () => [Math.random() * 2 - 1, Math.random() * 2 - 1]);
  const y = x.map(([u, v]) => 3 * u! - 2 * v! + 0.5 + (Math.random() - 0.5) / 10);
  const { w, b, loss } = await fit(x, y);
  console.log(
    `y = ${w.map((c, i) => `${c.toFixed(3)} x${i + 1}`).join(" + ")} + ${b.toFixed(3)}, loss ${loss}`,
  );
}
