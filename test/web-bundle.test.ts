/** What a first visit costs: budgets for what a page fetches of the library and of ONNX Runtime. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { brotliCompressSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RUNTIME_BYTES } from "../packages/sampler-web/src/runtime.js";
import { bundle } from "../scripts/bundle-web.mjs";

const folder = mkdtempSync(path.join(tmpdir(), "web-bundle-"));
const read = (name: string) => readFileSync(path.join(folder, name), "utf8");
/** Scripts but for ONNX Runtime's. */
const ours = () => readdirSync(folder).filter((name) => /^(sampler|worker|chunk-).*\.js$/.test(name));

beforeAll(() => bundle(folder));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// About 15 % above what they are. MB of the binary as it is: a third or less of it travels where servers compress.
test.each([
  ["wasm", 44, "", 15],
  ["jspi", 57, ".jspi", 17.5],
  ["webgpu", 57, ".asyncify", 28],
] as const)("%s: at most %i kB of scripts", (kind, kilobytes, binary, megabytes) => {
  const runtime = readdirSync(folder).filter((name) => name.startsWith(`ort.${kind}.`));
  expect(runtime).toHaveLength(1);
  const bytes = [...ours(), ...runtime].reduce((sum, name) => sum + brotliCompressSync(read(name)).length, 0);
  expect(bytes).toBeGreaterThan(kilobytes * 500);
  expect(bytes).toBeLessThan(kilobytes * 1000);
  const { size } = statSync(path.join(folder, `ort-wasm-simd-threaded${binary}.wasm`));
  expect(size).toBeLessThan(megabytes * 1e6);
  // What the progress of loading counts.
  expect(RUNTIME_BYTES[kind]).toBe(size);
});

test("nothing of Node, of the builder, or of runtimes that are not used", () => {
  const text = ours().map(read).join("\n");
  expect(text).not.toMatch(/["']node:|\bprocess\.|\bBuffer\.|graph-builder|ConvTranspose|protobufjs/);
  const names = readdirSync(folder).join("\n");
  // The builds with the old WebGPU provider, WebGL, or everything.
  expect(names).not.toMatch(/jsep|webgl|ort\.all|ort\.bundle/);
  // Runtimes come when the device is known, never with the library.
  for (const name of ours()) expect(read(name)).not.toMatch(/from\s*"\.\/ort\./);
});
