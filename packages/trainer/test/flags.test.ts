import { UserError } from "@onnx-diffusion/diffusion";
import { describe, expect, it } from "vitest";
import { parseCommandLine } from "../src/command-line.js";
import { fileToWrite, labelList, oneOf, positiveNumber, wholeNumber } from "../src/flags.js";

/** The message of a usage error; fails if there is none, or it has more than one line. */
function usageMessage(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).exitCode).toBe(2);
    expect((error as Error).message).not.toContain("\n");
    return (error as Error).message;
  }
  throw new Error("nothing was thrown");
}

describe("wholeNumber", () => {
  it.each([
    ["25000", 25000],
    ["2e4", 20000],
    ["2.5e4", 25000],
    ["1", 1],
    ["100000", 100000],
  ])("reads %s", (text, value) => {
    expect(wholeNumber("--steps", text, 1, 100000)).toBe(value);
  });

  it.each(["0", "-1", "1.5", "abc", "1e99", "", " ", "NaN", "Infinity", "0x10", "1_000", "100001", "1e-1"])(
    "refuses %j",
    (text) => {
      const message = usageMessage(() => wholeNumber("--steps", text, 1, 100000));
      expect(message).toContain("--steps: found");
      expect(message).toContain("expected a whole number in 1..100000");
    },
  );
});

describe("positiveNumber", () => {
  it.each([
    ["1e-4", 1e-4],
    [".5", 0.5],
    ["3", 3],
  ])("reads %s", (text, value) => {
    expect(positiveNumber("--lr", text)).toBe(value);
  });

  // 1e-50 is 0 and 1e40 is infinite in float32, which the graph takes
  it.each(["0", "-1e-4", "nan", "NaN", "inf", "", "1e-50", "1e40", "1,5"])("refuses %j", (text) => {
    expect(usageMessage(() => positiveNumber("--lr", text))).toContain("--lr: found");
  });
});

describe("fileToWrite", () => {
  it.each(["x.png", "a/b.PNG", "./x.y.png"])("takes %s", (text) => {
    expect(fileToWrite("--out", text, ".png")).toBe(text);
  });

  it.each([
    ["x.txt", '"x.txt"', "x.png"],
    ["../a.b/x.jpg", '"../a.b/x.jpg"', "../a.b/x.png"],
    ["grid", '"grid"', "grid.png"],
    ["pictures/", '"pictures/"', "pictures.png"],
    ["", "nothing", "images.png"],
  ])("refuses %j", (text, found, better) => {
    expect(usageMessage(() => fileToWrite("--out", text, ".png"))).toBe(
      `--out: found ${found}, but a .png file is written; call it ${better}`,
    );
  });
});

describe("oneOf", () => {
  it("names the words and the nearest of them", () => {
    expect(oneOf("--device", "cpu", ["cpu", "cuda"])).toBe("cpu");
    expect(usageMessage(() => oneOf("--device", "cda", ["cpu", "cuda"]))).toBe(
      '--device: found "cda", expected one of cpu, cuda; did you mean cuda?',
    );
  });
});

describe("labelList", () => {
  it.each([
    ["7", [7]],
    ["0,1,2", [0, 1, 2]],
    ["0-9", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
    ["8-9,3, 3", [8, 9, 3, 3]],
  ])("reads %s", (text, labels) => {
    expect(labelList("--labels", text, 10)).toEqual(labels);
  });

  it.each([
    ["10", "label 10 is out of range, this model has the labels 0..9"],
    ["0-10", "label 10 is out of range"],
    ["-1", "expected labels such as"],
    ["5-3", "expected the smaller label first: 3-5"],
    ["a", "expected labels such as"],
    ["", "expected labels such as"],
    ["1,,2", "expected labels such as"],
    ["1.5", "expected labels such as"],
  ])("refuses %j", (text, part) => {
    expect(usageMessage(() => labelList("--labels", text, 10))).toContain(part);
  });
});

describe("parseCommandLine", () => {
  async function usage(words: string): Promise<string> {
    try {
      await parseCommandLine(words.split(" "));
    } catch (error) {
      return usageMessage(() => {
        throw error;
      });
    }
    throw new Error("nothing was thrown");
  }

  it("takes train where no command is named, with the defaults", async () => {
    const line = await parseCommandLine("--artifacts models/unet-cond --steps 25000".split(" "));
    const run = expect.any(Function);
    expect(line).toEqual({
      kind: "run",
      command: "train",
      run,
      options: {
        artifacts: "models/unet-cond",
        steps: 25000,
        data: "mnist",
        dataDir: undefined,
        batch: 16,
        learningRate: 1e-4,
        lrScheduler: "constant",
        lrWarmupSteps: 0,
        seed: 0,
        device: "auto",
        threads: undefined,
        out: "runs/unet-cond",
        saveEvery: 500,
        sampleEvery: 1000,
        keep: 3,
        resume: false,
      },
    });
    expect(await parseCommandLine("train --artifacts models/unet-cond --steps=25000".split(" "))).toEqual({
      ...line,
      run,
    });
  });

  it("reads the flags of sample", async () => {
    const line = await parseCommandLine("sample --model m --count 4 --labels 0-3 --sampler ddim".split(" "));
    expect(line).toMatchObject({
      command: "sample",
      options: { model: "m", count: 4, labels: "0-3", sampler: "ddim", seed: 0, out: "grid.png" },
    });
  });

  it.each([
    ["--artifacts m --stpes 5", "--stpes: there is no such flag; did you mean --steps?"],
    ["--artifacts m --frobnicate", "--frobnicate: there is no such flag; see --help"],
    ["--steps 5", "--artifacts is missing"],
    ["sample", "--model is missing"],
    ["smaple --model m", "did you mean sample?"],
    ["train extra --artifacts m", "Unknown argument: extra"],
    ["--artifacts m --steps", "Not enough arguments following: steps"],
    ["--artifacts m --steps -1", '--steps: found "-1"'],
    ["--artifacts m --lr -1e-4", '--lr: found "-1e-4"'],
    ["--artifacts m --lr-scheduler cosin", "did you mean cosine?"],
    ["--artifacts m --lr-warmup-steps -1", '--lr-warmup-steps: found "-1"'],
    ["--artifacts m --data mnits", "did you mean mnist?"],
    ["--artifacts m --device gpu", '--device: found "gpu", expected one of auto, cpu, cuda, webgpu'],
    ["--artifacts m --seed 1e99", '--seed: found "1e99"'],
    ["--artifacts m --keep 0", '--keep: found "0"'],
    ["--artifacts m --batch 0", '--batch: found "0"'],
    ["sample --model m --sampler ddi", "did you mean ddim?"],
    ["sample --model m --spacing karass", "did you mean karras?"],
    ["sample --model m --count 0", '--count: found "0"'],
  ])("%s", async (words, part) => {
    expect(await usage(words)).toContain(part);
  });

  it("prints help with examples", async () => {
    for (const words of [["--help"], ["sample", "--help"]]) {
      const line = await parseCommandLine(words);
      expect(line.kind).toBe("print");
      expect((line as { text: string }).text).toContain("Examples:");
    }
  });
});
