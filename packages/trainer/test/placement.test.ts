/** On which provider nodes land, as ONNX Runtime says. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ModelGraph, readOnnx } from "@onnx-diffusion/graph-builder";
import { InferenceSession } from "onnxruntime-node";
import { beforeAll, expect, test } from "vitest";
import { runtimeFolder } from "../src/devices.js";
import { cudaFindings } from "../src/doctor/cuda.js";
import { placementFinding } from "../src/doctor/nodes.js";
import { parsePlacement } from "../src/doctor/placement.js";
import { emitSmallModel, trainer } from "./small-model.js";

let folder: string;
beforeAll(() => {
  folder = emitSmallModel();
});

/** Nodes of a graph and of the graphs within them. */
const countNodes = ({ nodes }: ModelGraph): number =>
  nodes.reduce((sum, { attributes }) => {
    const inner = Object.values(attributes).filter(({ type }) => type === "graph");
    return sum + 1 + inner.reduce((all, { value }) => all + countNodes(value as ModelGraph), 0);
  }, 0);

test("on the CPU every node of the loop is, as many as ONNX Runtime has left of the graph", async () => {
  const { status, stdout } = trainer("doctor", "--artifacts", folder);
  expect(status).toBe(0);
  const out = mkdtempSync(join(tmpdir(), "placement-"));
  const optimized = join(out, "optimized.onnx");
  const session = await InferenceSession.create(join(folder, "training_loop.onnx"), {
    ...{ optimizedModelFilePath: optimized, logSeverityLevel: 3 },
  });
  await session.release();
  const count = countNodes(readOnnx(readFileSync(optimized)).graph);
  rmSync(out, { recursive: true });
  expect(stdout).toContain(
    `ok       training_loop of ${folder} on cpu: all ${count} nodes on CPUExecutionProvider`,
  );
});

const hasGpu = cudaFindings(runtimeFolder()).every(({ good }) => good);
test.runIf(hasGpu)("on CUDA every node of the loop is, with no copies", () => {
  const { status, stdout } = trainer(
    ...["doctor", "--device", "cuda", "--artifacts", emitSmallModel("--target", "cuda")],
  );
  expect(stdout).toMatch(/ok {7}training_loop of .* on cuda: all \d+ nodes on CUDAExecutionProvider/);
  expect(stdout).not.toMatch(/cop(y|ies)/);
  expect(status).toBe(0);
});

test("a folder that cannot be loaded is said so", () => {
  const { status, stdout } = trainer("doctor", "--artifacts", "no-such-folder");
  expect(status).toBe(1);
  expect(stdout).toMatch(
    /missing {2}no-such-folder on cpu: --artifacts no-such-folder: there is no such folder/,
  );
});

/** What ONNX Runtime 1.30 logs of a Loop on WebGPU, which has no Loop: its body, Gather, Add and Relu, is there all the same. */
const MIXED = `
2026-11-26 15:40:28.137515283 [I:onnxruntime:, transformer_memcpy.cc:393 AddCopyNode] Add MemcpyFromHost after Cast:0 for WebGpuExecutionProvider
2026-11-26 15:40:28.137523285 [I:onnxruntime:, transformer_memcpy.cc:393 AddCopyNode] Add MemcpyFromHost after Loop:0 for WebGpuExecutionProvider
2026-11-26 15:40:28.137541712 [I:onnxruntime:, graph_transformer.cc:15 Apply] GraphTransformer MemcpyTransformer modified: 1 with status: OK
2026-11-26 15:40:28.137716652 [V:onnxruntime:, session_state.cc:1377 VerifyEachNodeIsAssignedToAnEp] Node placements
2026-11-26 15:40:28.137722641 [V:onnxruntime:, session_state.cc:1383 VerifyEachNodeIsAssignedToAnEp]  Node(s) placed on [CPUExecutionProvider]. Number of nodes: 5
2026-11-26 15:40:28.137725756 [V:onnxruntime:, session_state.cc:1385 VerifyEachNodeIsAssignedToAnEp]   Reshape (Reshape)
2026-11-26 15:40:28.137728399 [V:onnxruntime:, session_state.cc:1385 VerifyEachNodeIsAssignedToAnEp]   Loop (Loop)
2026-11-26 15:40:28.137731023 [V:onnxruntime:, session_state.cc:1385 VerifyEachNodeIsAssignedToAnEp]   Identity (Identity)
2026-11-26 15:40:28.137738044 [V:onnxruntime:, session_state.cc:1385 VerifyEachNodeIsAssignedToAnEp]   Slice (Slice)
2026-11-26 15:40:28.137740658 [V:onnxruntime:, session_state.cc:1385 VerifyEachNodeIsAssignedToAnEp]   Cast (Cast)
2026-11-26 15:40:28.137743372 [V:onnxruntime:, session_state.cc:1383 VerifyEachNodeIsAssignedToAnEp]  Node(s) placed on [WebGpuExecutionProvider]. Number of nodes: 7
2026-11-26 15:40:28.137746026 [V:onnxruntime:, session_state.cc:1385 VerifyEachNodeIsAssignedToAnEp]   Shape (Shape)
2026-11-26 15:40:28.137748609 [V:onnxruntime:, session_state.cc:1385 VerifyEachNodeIsAssignedToAnEp]   Gather (Gather)
2026-11-26 15:40:28.137751183 [V:onnxruntime:, session_state.cc:1385 VerifyEachNodeIsAssignedToAnEp]   Add (Add)
2026-11-26 15:40:28.137753737 [V:onnxruntime:, session_state.cc:1385 VerifyEachNodeIsAssignedToAnEp]   Relu (Relu)
2026-11-26 15:40:28.137756241 [V:onnxruntime:, session_state.cc:1385 VerifyEachNodeIsAssignedToAnEp]   Mul (Mul)
2026-11-26 15:40:28.137758815 [V:onnxruntime:, session_state.cc:1385 VerifyEachNodeIsAssignedToAnEp]   MemcpyFromHost (Memcpy)
2026-11-26 15:40:28.137761378 [V:onnxruntime:, session_state.cc:1385 VerifyEachNodeIsAssignedToAnEp]   MemcpyFromHost (Memcpy_token_0)
\x1b[0;93m2026-11-26 15:40:28.137764183 [W:onnxruntime:, session_state.cc:1397 VerifyEachNodeIsAssignedToAnEp] Some nodes were not assigned to the preferred execution providers which may or may not have an negative impact on performance. e.g. ORT explicitly assigns shape related ops to CPU to improve perf.\x1b[m
`;

test("a log of two providers gives the nodes of each, and the copies", () => {
  const placed = parsePlacement(MIXED);
  expect(placed.copies).toEqual(["MemcpyFromHost after Cast:0", "MemcpyFromHost after Loop:0"]);
  expect(placed.placements).toEqual([
    {
      ...{ provider: "CPUExecutionProvider", count: 5 },
      nodes: ["Reshape (Reshape)", "Loop (Loop)", "Identity (Identity)", "Slice (Slice)", "Cast (Cast)"],
    },
    {
      ...{ provider: "WebGpuExecutionProvider", count: 7 },
      nodes: [
        ...["Shape (Shape)", "Gather (Gather)", "Add (Add)", "Relu (Relu)", "Mul (Mul)"],
        ...["MemcpyFromHost (Memcpy)", "MemcpyFromHost (Memcpy_token_0)"],
      ],
    },
  ]);
  expect(placementFinding("a loop", placed, "webgpu")).toEqual({
    ...{ good: false, subject: "a loop" },
    found:
      "5 of 12 nodes on CPUExecutionProvider: Reshape (Reshape), Loop (Loop), Identity (Identity), Slice (Slice), Cast (Cast); " +
      "2 copies: MemcpyFromHost after Cast:0, MemcpyFromHost after Loop:0",
    remedy: "emit the folder again with --target webgpu, or report the operators",
  });
});

test("nodes that compute shapes may be with the host, if nothing is copied", () => {
  const of = (provider: string, ...nodes: string[]) => ({ provider, count: nodes.length, nodes });
  const device = of("CUDAExecutionProvider", "Loop (Loop)", "Conv (Conv)");
  const found = (...host: string[]) =>
    placementFinding(
      "a loop",
      { placements: [of("CPUExecutionProvider", ...host), device], copies: [] },
      "cuda",
    );
  expect(found("Reshape (Reshape)", "Concat (Concat)")).toMatchObject({
    ...{
      good: true,
      found: "all 4 nodes on CUDAExecutionProvider but 2 of shapes, which stay with the host",
    },
  });
  expect(found("Reshape (Reshape)", "ReduceSum (ReduceSum)").good).toBe(false);
  const alone = { placements: [of("CPUExecutionProvider", "Reshape (Reshape)")], copies: [] };
  expect(placementFinding("a loop", alone, "cuda").good).toBe(false);
});

test("copies alone are told, though one provider has all nodes", () => {
  const log = `${MIXED.split("\n")[1]}\n[V:onnxruntime:, session_state.cc:1380 VerifyEachNodeIsAssignedToAnEp]  All nodes placed on [CUDAExecutionProvider]. Number of nodes: 3`;
  expect(placementFinding("a loop", parsePlacement(log), "cuda")).toMatchObject({
    ...{ good: false, found: "1 copies: MemcpyFromHost after Cast:0" },
  });
});

test("a log that was cut, or that says nothing of nodes, is refused", () => {
  const cut = MIXED.split("\n").slice(0, 10).join("\n");
  expect(() => parsePlacement(cut)).toThrow("CPUExecutionProvider lists 4 nodes");
  expect(() => parsePlacement("nothing\n")).toThrow("none of 2 lines names a placement of nodes");
});
