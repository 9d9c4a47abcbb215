import { mkdtempSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeSafetensors } from "@onnx-diffusion/diffusion";
import { describe, expect, it } from "vitest";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from "../src/checkpoint.js";
import { listCheckpoints, newestCheckpoint, saveCheckpoint } from "../src/checkpoints.js";
import { configurationOf } from "../src/configuration.js";
import { firstNotFinite, initialState } from "../src/state.js";
import { smallManifest } from "./small-manifest.js";

const configuration = configurationOf(smallManifest, {
  data: "mnist",
  dataDigest: "d".repeat(64),
  batch: 16,
  learningRate: 1e-4,
  seed: 3,
});

function checkpointAt(step: number): Checkpoint {
  // a smoothed loss with all digits of a float64, to see that none is lost
  return { step, smoothed: 1 / 3, configuration, state: initialState(smallManifest, 3) };
}

const bytesAt = (step: number) => encodeCheckpoint(smallManifest, checkpointAt(step));

describe("a checkpoint's bytes", () => {
  it("come back as they were, bit for bit", () => {
    const read = decodeCheckpoint(bytesAt(500), "x");
    expect(read.step).toBe(500);
    expect(read.smoothed).toBe(1 / 3);
    expect(read.configuration).toEqual(configuration);
    const state = read.readState(smallManifest);
    expect([...state]).toEqual([...initialState(smallManifest, 3)]);
    expect([...state.keys()]).toEqual(smallManifest.state.map(({ name }) => name));
  });

  it("are safetensors that say what they are", () => {
    const { metadata, tensors } = decodeSafetensors(bytesAt(500));
    expect([...tensors.keys()]).toEqual(["w", "mean", "w.m", "step"]);
    expect(metadata.get("step")).toBe("500");
    expect(metadata.get("seed")).toBe("3");
  });

  it("are refused if any byte is another", () => {
    const bytes = bytesAt(500);
    let silent = 0;
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at]! ^= 1;
      try {
        decodeCheckpoint(damaged, "x").readState(smallManifest);
        silent++;
      } catch (error) {
        expect((error as Error).message).toMatch(/^x: /);
      }
    }
    // Step, seed and loss in the header, and key names, are text that no digest covers.
    expect(silent / bytes.length).toBeLessThan(0.05);
  });

  it("tell a state of another model", () => {
    const [first, ...rest] = smallManifest.state;
    const other = { ...smallManifest, state: [{ ...first!, shape: [3] }, ...rest] };
    expect(() => decodeCheckpoint(bytesAt(1), "x").readState(other)).toThrow(
      'x: "w" has 4 values of float32, expected 3 of float32',
    );
  });
});

describe("a folder of checkpoints", () => {
  const folder = () => mkdtempSync(join(tmpdir(), "checkpoints-"));
  const save = (at: string, step: number, keep: number) => saveCheckpoint(at, step, bytesAt(step), keep);

  it("keeps the last ones", () => {
    const at = folder();
    for (const step of [500, 1000, 1500, 2000, 100_000_000]) save(at, step, 3);
    expect(readdirSync(at).sort()).toEqual([
      "step-00001500.safetensors",
      "step-00002000.safetensors",
      "step-100000000.safetensors",
    ]);
    // by number, not by letters
    expect(listCheckpoints(at).map(({ step }) => step)).toEqual([1500, 2000, 100_000_000]);
    expect(newestCheckpoint(at).checkpoint.step).toBe(100_000_000);
  });

  it("gives the one before a damaged one and names that", () => {
    const at = folder();
    save(at, 500, 3);
    const middle = save(at, 1000, 3);
    const newest = save(at, 1500, 3);
    truncateSync(newest, 100);
    const bytes = readFileSync(middle);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(middle, bytes);
    const found = newestCheckpoint(at);
    expect(found.checkpoint.step).toBe(500);
    expect(found.warnings).toEqual([
      expect.stringContaining(newest),
      expect.stringMatching(/step-00001000.*SHA-256 is .* expected .*the file is damaged/),
    ]);
  });

  it("says that there is none, or none that is whole", () => {
    const at = folder();
    expect(() => newestCheckpoint(at)).toThrow(`--resume: there is no checkpoint in ${at}`);
    truncateSync(save(at, 500, 3), 10);
    expect(() => newestCheckpoint(at)).toThrow(`--resume: every checkpoint in ${at} is damaged`);
  });
});

it("finds values that are not finite", () => {
  const state = (value: number) =>
    new Map([
      ["a", Float32Array.of(1, 2)],
      ["b", Float32Array.of(0, value, 3)],
    ]);
  expect(firstNotFinite(state(3e38))).toBeUndefined();
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    expect(firstNotFinite(state(value))).toBe("b");
  }
});
