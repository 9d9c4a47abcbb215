/** `trainer doctor`: what this machine has for each device, what is missing, and what to do about it. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, cpus, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { buildModel, input, mul, writeOnnx } from "@onnx-diffusion/graph-builder";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { runtimeFolder } from "../devices.js";
import { cudaFindings, type Finding } from "../doctor/cuda.js";
import { nodesFinding } from "../doctor/nodes.js";

export interface DoctorOptions {
  /** The device that must work; its absence is a failure. */
  readonly device: "cpu" | "cuda";
  /** A model folder whose nodes are to run on that device. Undefined: the machine alone is looked at. */
  readonly artifacts: string | undefined;
}

/** Looks, and prints a line for each thing. @returns the exit code: 1 where the device asked for would not work. */
export async function doctorCommand({ device, artifacts }: DoctorOptions): Promise<number> {
  const print = ({ good, subject, found, remedy }: Finding): void =>
    console.log(`${good ? "ok      " : "missing "} ${subject}: ${found}${remedy ? `; ${remedy}` : ""}`);
  const cpu = [...machineFindings(), await runtimeFinding()];
  console.log("cpu");
  for (const finding of cpu) print(finding);
  console.log("cuda");
  const cuda = cudaFindings(runtimeFolder());
  for (const finding of cuda) print(finding);
  const works = (findings: readonly Finding[]) => findings.every(({ good }) => good);
  console.log(
    works(cuda)
      ? "--device cuda has all that it needs"
      : `--device cuda would not work: ${cuda.filter(({ good }) => !good).length} of ${cuda.length} things are missing`,
  );
  const nodes = artifacts === undefined ? [] : [nodesFinding(artifacts, device)];
  if (nodes.length > 0) console.log("nodes");
  for (const finding of nodes) print(finding);
  return works(cpu) && (device === "cpu" || works(cuda)) && works(nodes) ? 0 : 1;
}

function machineFindings(): Finding[] {
  const gigabytes = (totalmem() / 2 ** 30).toFixed(0);
  const [first] = cpus();
  const threads = availableParallelism();
  return [
    { good: true, subject: "Node", found: `${process.version} on ${process.platform} ${process.arch}` },
    {
      ...{ good: true, subject: "processor" },
      found: `${first?.model.trim() || "of no name"}, ${threads} ${threads === 1 ? "thread" : "threads"}, ${gigabytes} GB`,
    },
  ];
}

/** Whether ONNX Runtime multiplies two numbers. */
async function runtimeFinding(): Promise<Finding> {
  const require = createRequire(import.meta.url);
  const root = dirname(dirname(require.resolve("onnxruntime-node")));
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  const subject = `onnxruntime-node ${version}`;
  try {
    const x = input("x", "float32", []);
    const session = await InferenceSession.create(
      writeOnnx(buildModel({ name: "doctor", inputs: [x], outputs: { y: mul(x, x) } })),
    );
    const { y } = await session.run({ x: new Tensor("float32", [3], []) });
    await session.release();
    const right = y?.data[0] === 9;
    return { good: right, subject, found: right ? "runs" : `3 * 3 came out as ${String(y?.data[0])}` };
  } catch (error) {
    const found = error instanceof Error ? error.message.split("\n")[0]! : String(error);
    return { good: false, subject, found, remedy: "install again: npx -y pnpm@12 install" };
  }
}
