/** `trainer tune`: measures, chooses, writes a table that the builder takes, and stops when it is asked to. */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CONVOLUTION_FORMS, parseFormTable, parseManifest } from "@onnx-diffusion/diffusion";
import { buildModel, input, mul, writeOnnx } from "@onnx-diffusion/graph-builder";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { timeLeftLine } from "../src/progress.js";
import { chooseForm, median } from "../src/tuning/choice.js";
import { layerText, stepTime, tunedLines } from "../src/tuning/table.js";
import { emitSmallModel, TRAINER, trainer } from "./small-model.js";

const BUILDER = fileURLToPath(new URL("../../graph-builder/dist/cli.js", import.meta.url));
const work = mkdtempSync(join(tmpdir(), "trainer-tune-"));
const at = (...parts: string[]) => join(work, ...parts);
afterAll(() => rmSync(work, { recursive: true, force: true }));

describe("trainer tune", () => {
  let net: string;
  beforeAll(() => {
    net = emitSmallModel();
  });
  const tune = (out: string, ...words: string[]) =>
    trainer(
      "tune",
      "--artifacts",
      net,
      "--batch",
      "2",
      "--threads",
      "1",
      "--rounds",
      "2",
      "--out",
      out,
      ...words,
    );

  it("measures every shape in every form, and the builder emits the model by the table", () => {
    const { status, stdout, stderr } = tune(at("new", "forms.json"));
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/^unet-cond: 10 shapes of convolutions, batch 2, 1 thread, 2 rounds\n/);
    expect(stdout).toMatch(/\n4-2-1 transposed 16x16x24 → 32x32x12( +\d+\.\d\d){4} {2}/);
    expect(stdout).toMatch(
      /\nthe convolutions of a step: \d+\.\d ms in their usual forms, \d+\.\d in these\n/,
    );
    const text = readFileSync(at("new", "forms.json"), "utf8");
    const table = JSON.parse(text);
    expect(table.measured).toMatchObject({ network: "unet-cond", batch: 2, threads: 1, rounds: 2 });
    expect(Object.keys(table.forms[0].ms)).toEqual([...CONVOLUTION_FORMS]);
    const forms = parseFormTable(text, "forms.json");
    expect(forms).toHaveLength(10);

    // The same table with other choices: the model that is emitted by it is another one, and trains.
    const other = table.forms.map((row: object) => ({ ...row, form: "native" }));
    writeFileSync(at("native.json"), JSON.stringify({ ...table, forms: other }));
    const options = ["channels=8,12,16,20", "bottleneck=24", "up=24,20,16,12"].flatMap((o) => [
      "--option",
      o,
    ]);
    const words = ["emit", "unet-cond", ...options, "--forms", at("native.json"), "--out", at("native")];
    expect(spawnSync(process.execPath, [BUILDER, ...words]).status).toBe(0);
    const manifest = (folder: string) =>
      parseManifest(readFileSync(join(folder, "manifest.json"), "utf8"), folder);
    expect(manifest(at("native")).graphs.training_loop!.forms).toHaveLength(10);
    const digest = (folder: string) => manifest(folder).files["training_loop.onnx"]!.sha256;
    expect(digest(at("native"))).not.toBe(digest(net));
    const losses = [net, at("native")].map((artifacts, i) => {
      const run = at(`run-${i}`);
      const flags = ["--steps", "3", "--batch", "2", "--sample-every", "0", "--device", "cpu"];
      expect(trainer("--artifacts", artifacts, "--out", run, ...flags).status).toBe(0);
      return manifest(join(run, "model")).training!.loss;
    });
    // Three steps with sums in another order.
    expect(Math.abs(losses[1]! / losses[0]! - 1)).toBeLessThan(1e-4);
    expect(manifest(at("run-1", "model")).graphs.training_loop).toBeUndefined();
  });

  it.each(["SIGINT", "SIGTERM"] as const)("%s stops it and leaves no table", async (signal) => {
    const words = ["tune", "--artifacts", net, "--rounds", "10000", "--out", at("stopped.json")];
    const child = spawn(process.execPath, [TRAINER, ...words]);
    let text = "";
    child.stdout.on("data", (data: Buffer) => {
      text += data.toString();
      if (text.includes("10000 rounds") && !child.killed) child.kill(signal);
    });
    const [code] = await once(child, "close");
    expect(code).toBe(signal === "SIGINT" ? 130 : 143);
    expect(text).toContain(`${signal}: stopping; nothing is written`);
    expect(existsSync(at("stopped.json"))).toBe(false);
  });

  it("says what is wrong in one line", () => {
    const refused = (result: ReturnType<typeof trainer>, status: number, message: RegExp) => {
      expect(result.stderr).toMatch(message);
      expect(result.stderr.trimEnd().split("\n")).toHaveLength(1);
      expect(result.status).toBe(status);
    };
    refused(trainer("tune"), 2, /^trainer: --artifacts is missing, such as --artifacts models\/unet-cond/);
    refused(
      tune(at("a.json"), "--rounds", "0"),
      2,
      /--rounds: found "0", expected a whole number in 1\.\.10000/,
    );
    refused(trainer("tune", "--artifacts", work), 1, /the folder has no manifest\.json/);
    const folder = at("without");
    cpSync(net, folder, { recursive: true });
    const x = input("sample", "float32", ["batch", 3, 32, 32]);
    const model = buildModel({ name: "none", inputs: [x], outputs: { out_sample: mul(x, x) } });
    writeFileSync(join(folder, "inference_model.onnx"), writeOnnx(model));
    refused(
      trainer("tune", "--artifacts", folder),
      1,
      /without\/inference_model\.onnx: found no Conv or ConvTranspose in float32 .*; there is nothing to tune/,
    );
    writeFileSync(join(folder, "inference_model.onnx"), "damaged");
    refused(trainer("tune", "--artifacts", folder), 1, /without\/inference_model\.onnx: /);
  });
});

describe("the choice", () => {
  const times = (of: (round: number) => number) => Array.from({ length: 25 }, (_, round) => of(round));
  const usual = times((round) => 10 + round);

  it("is the usual form where another is faster by less than 2 %, or as often slower", () => {
    const slightly = usual.map((time) => 0.985 * time);
    const half = usual.map((time, round) => (round % 2 === 0 ? 0.5 : 1.5) * time);
    // 17 of 25 rounds: chance would do it
    const lucky = usual.map((time, round) => (round < 17 ? 0.9 : 1.1) * time);
    const timings = new Map([
      ["patches", usual],
      ["native", slightly],
      ["winograd", half],
      ["patches-transposed", lucky],
    ] as const);
    expect(chooseForm(timings, "patches")).toBe("patches");
  });

  it("is the fastest of those that are, round by round, whatever else slows the machine down", () => {
    const timings = new Map([
      ["patches", usual],
      ["patches-transposed", usual.map((time) => 0.9 * time)],
      ["winograd", usual.map((time) => 0.8 * time)],
      ["native", times(() => 18)],
    ] as const);
    expect(chooseForm(timings, "patches")).toBe("winograd");
    expect(chooseForm(new Map([["winograd", usual]]), "winograd")).toBe("winograd");
  });

  it("takes the mean of the two middle ones of an even number of rounds", () => {
    expect([median([3, 1, 2]), median([4, 1, 3, 2])]).toEqual([2, 2.5]);
  });
});

describe("what is shown", () => {
  const convolution = {
    ...({ kernel: [4, 4], stride: 2, pad: 1, large: [32, 32], small: [16, 16], channels: 3 } as const),
    ...({ filters: 72, side: "large", bias: false, inputGradient: false, count: 1 } as const),
  };

  it("is a row for each shape, with the usual form where another is taken", () => {
    const rows = [
      { convolution, ms: { patches: 3, native: 12.5 }, usual: "patches", chosen: "patches" },
      {
        convolution: { ...convolution, kernel: [1, 3], side: "small", count: 2 },
        ms: { patches: 1, native: 0.5 },
        usual: "patches",
        chosen: "native",
      },
    ] as const;
    expect(tunedLines(rows)).toEqual([
      "ms for value and gradients                      patches  patches-transposed  winograd  native  takes",
      "4-2-1 32x32x3 → 16x16x72                           3.00                                 12.50  patches",
      "1x3-2-1 transposed 16x16x72 → 32x32x3, 2 times     1.00                                  0.50  native, not patches",
    ]);
    expect([stepTime(rows, (row) => row.usual), stepTime(rows, (row) => row.chosen)]).toEqual([5, 4]);
    expect(layerText(convolution)).toBe("4-2-1 32x32x3 → 16x16x72");
  });

  it("while it measures is how long it will take", () => {
    expect(timeLeftLine("shape 3/10", 0.5, 80, 60)).toBe(
      "shape 3/10 ━━━━━━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ 1 min 20 s left",
    );
  });
});
