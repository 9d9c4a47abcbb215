/** The command as a user meets it: every mistake is one line, the right exit code, and nothing lost. */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { emitSmallModel, type Finished, TRAINER, trainer } from "./small-model.js";

const work = mkdtempSync(join(tmpdir(), "trainer-cli-"));
const at = (...parts: string[]) => join(work, ...parts);
let net: string;
beforeAll(() => {
  net = emitSmallModel();
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

const train = (out: string, ...words: string[]) =>
  trainer("--artifacts", net, "--out", at(out), "--sample-every", "0", "--device", "cpu", ...words);

/** One line on standard error, this code, no stack. */
function expectRefused({ status, stderr }: Finished, code: 1 | 2, message: RegExp): void {
  expect(stderr).toMatch(message);
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  expect(stderr).toMatch(/^trainer: /);
  expect(stderr).not.toMatch(/unexpected error/);
  expect(status).toBe(code);
}

describe("a model folder", () => {
  it("with a wrong field is refused with the field's path", () => {
    const folder = at("wrong-field");
    cpSync(net, folder, { recursive: true });
    const path = join(folder, "manifest.json");
    const manifest = JSON.parse(readFileSync(path, "utf8"));
    manifest.schedule.T = "many";
    writeFileSync(path, JSON.stringify(manifest));
    expectRefused(trainer("--artifacts", folder, "--out", at("a")), 1, /manifest\.json: schedule\.T.*"many"/);
    writeFileSync(path, "{");
    expectRefused(trainer("--artifacts", folder, "--out", at("a")), 1, /manifest\.json/);
    expect(existsSync(at("a"))).toBe(false);
  });

  it("that is none is told from one that is missing", () => {
    expectRefused(trainer("--artifacts", work), 1, /the folder has no manifest\.json; .*graph-builder emit/);
    expectRefused(trainer("--artifacts", join(net, "manifest.json")), 1, /it is a file/);
  });

  it("whose graph is missing or cut short is refused before training", () => {
    const folder = at("cut");
    cpSync(net, folder, { recursive: true });
    const path = join(folder, "inference_model.onnx");
    writeFileSync(path, readFileSync(path).subarray(0, 100));
    expectRefused(
      trainer("--artifacts", folder, "--out", at("a")),
      1,
      /inference_model\.onnx: its SHA-256 is/,
    );
    rmSync(path);
    expectRefused(trainer("--artifacts", folder, "--out", at("a")), 1, /inference_model\.onnx.*no such file/);
  });
});

describe("data", () => {
  it("that is cut short is refused", () => {
    const folder = at("idx");
    const files = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"];
    cpSync(net, folder, { recursive: true });
    for (const name of files) writeFileSync(join(folder, name), Uint8Array.of(0, 0, 8, 3, 0, 0));
    expectRefused(train("idx-run", "--data-dir", folder), 1, /train-(images|labels)-idx/);
    expect(readdirSync(at("idx-run"))).not.toContain("trainer.lock");
  });
});

describe("a run folder", () => {
  it("without checkpoints cannot be resumed", () => {
    expectRefused(
      train("new", "--resume"),
      1,
      /--resume: there is no checkpoint in .*; start the run without/,
    );
  });

  it("that cannot be made is refused", () => {
    // no user, root included, can make a folder there
    if (existsSync("/proc/self")) {
      expectRefused(
        trainer("--artifacts", net, "--out", "/proc/trainer-run"),
        1,
        /cannot make the folder \/proc/,
      );
    }
  });

  it("that is at the step already is left as it is", () => {
    expect(train("ready", "--steps", "10").status).toBe(0);
    const before = readFileSync(at("ready", "metrics.jsonl"), "utf8");
    const again = train("ready", "--steps", "10", "--resume");
    expect(again.stdout).toContain("at step 10 already");
    expect(again.status).toBe(0);
    expect(readFileSync(at("ready", "metrics.jsonl"), "utf8")).toBe(before);
    expectRefused(
      train("ready", "--steps", "5", "--resume"),
      2,
      /--steps 5: the run in .* is at step 10 already/,
    );
    expectRefused(train("ready", "--steps", "20"), 1, /there is a run here, saved at step 10; .*--resume/);
  });

  it("whose rate falls goes on to the same bits after a stop", () => {
    const falling = ["--lr", "1e-3", "--lr-scheduler", "cosine", "--lr-warmup-steps", "3"];
    expect(train("whole", "--steps", "12", ...falling).status).toBe(0);
    // stopped in the middle, as by Ctrl-C: the checkpoint of step 6 is the newest
    expect(train("parts", "--steps", "12", "--save-every", "6", ...falling).status).toBe(0);
    rmSync(at("parts", "checkpoints", "step-00000012.safetensors"));
    expectRefused(
      train("parts", "--steps", "12", "--resume"),
      1,
      /--lr 0\.0001 \(was 0\.001\), --lr-scheduler absent \(was cosine\), --lr-warmup-steps absent \(was 3\)/,
    );
    expect(train("parts", "--steps", "12", "--resume", ...falling).status).toBe(0);
    const last = (run: string) => readFileSync(at(run, "checkpoints", "step-00000012.safetensors"));
    expect(last("parts").equals(last("whole"))).toBe(true);
  });

  it("whose folder takes one rate for all steps is told so", () => {
    const old = at("old-net");
    cpSync(net, old, { recursive: true });
    const path = join(old, "manifest.json");
    const text = readFileSync(path, "utf8");
    const loopEnd = /("name": "learning_rate", "dtype": "float32", "shape": \[)"steps"(\])/;
    expect(text).toMatch(loopEnd);
    writeFileSync(path, text.replace(loopEnd, "$1$2"));
    expectRefused(
      trainer("--artifacts", old, "--out", at("old"), "--steps", "2", "--lr-scheduler", "linear"),
      1,
      /old-net: its training_loop takes one learning rate for all steps of a run.*emit the folder anew/,
    );
  });

  it("keeps its checkpoint when the disk takes no more", () => {
    expect(train("full", "--steps", "10", "--save-every", "10").status).toBe(0);
    // A limit on file size stands for the full disk: 500 KB are less than a checkpoint, more than any other file.
    const words = [
      TRAINER,
      "--artifacts",
      net,
      "--out",
      at("full"),
      "--sample-every",
      "0",
      "--device",
      "cpu",
    ];
    const limited = spawnSync(
      "bash",
      ["-c", 'ulimit -f 500; exec "$0" "$@"', process.execPath, ...words, "--steps", "20", "--resume"],
      { encoding: "utf8" },
    );
    expectRefused(limited, 1, /cannot write .*step-00000020.*; the checkpoint of step 10 is kept/);
    expect(readdirSync(at("full", "checkpoints"))).toEqual(["step-00000010.safetensors"]);
    expect(train("full", "--steps", "20", "--resume").status).toBe(0);
  });

  it("of a run whose loss explodes keeps its checkpoint", () => {
    const result = train("explodes", "--steps", "400", "--lr", "1e30", "--save-every", "1");
    expectRefused(result, 1, /training stopped: .*step \d+; start a new run with a smaller --lr/);
    // a state that overflowed may be met before its loss is
    expect(result.stderr).toMatch(/the checkpoint of step \d+ is kept|nothing was saved before/);
  });
});

describe("signals", () => {
  it("keep a second trainer out while the first one runs, and the second Ctrl-C stops at once", async () => {
    const words = ["--artifacts", net, "--out", at("locked"), "--sample-every", "0", "--device", "cpu"];
    const first = spawn(process.execPath, [TRAINER, ...words, "--batch", "512", "--steps", "100000"]);
    let text = "";
    first.stdout.on("data", (data: Buffer) => {
      text += data.toString();
    });
    await expect.poll(() => text).toContain("training ");
    expectRefused(train("locked"), 1, /another trainer \(process \d+\) writes in this run folder/);

    const ended = once(first, "close");
    first.kill("SIGINT");
    await expect.poll(() => text).toContain("press Ctrl-C again to stop at once");
    first.kill("SIGINT");
    const [code, signal] = await ended;
    // Shells show this end as 130.
    if (code === null) expect(signal).toBe("SIGINT");
    // A chunk of 8 steps of 512 images takes many seconds: it was not waited for, and nothing was saved.
    expect(text).not.toContain("saved; go on");
    // the lock of a dead process is taken over
    expect(train("locked", "--steps", "1").status).toBe(0);
  });

  it("SIGTERM saves, with the exit code that supervisors expect", async () => {
    const words = ["--artifacts", net, "--out", at("term"), "--sample-every", "0", "--device", "cpu"];
    const child = spawn(process.execPath, [TRAINER, ...words]);
    let text = "";
    child.stdout.on("data", (data: Buffer) => {
      text += data.toString();
      if (text.includes("step:  100") && !child.killed) child.kill("SIGTERM");
    });
    const [code] = await once(child, "close");
    expect(code).toBe(143);
    expect(text).toMatch(/stopped after step \d+, saved; go on with: .*--resume/);
    expect(readdirSync(at("term", "checkpoints"))).toHaveLength(1);
    expect(readdirSync(at("term"))).not.toContain("trainer.lock");
  });

  it("before the first step there is nothing to save", async () => {
    const child = spawn(process.execPath, [TRAINER, "--artifacts", net, "--out", at("early")]);
    let text = "";
    child.stdout.on("data", (data: Buffer) => {
      text += data.toString();
    });
    await expect.poll(() => existsSync(at("early", "trainer.lock")), { interval: 5 }).toBe(true);
    child.kill("SIGINT");
    const [code] = await once(child, "close");
    expect(code).toBe(130);
    expect(text).toMatch(/nothing to save|stopped after step \d+, saved/);
  });
});

describe("trainer sample", () => {
  beforeAll(() => {
    expect(train("model", "--steps", "2").status).toBe(0);
  });
  const sample = (...words: string[]) =>
    trainer("sample", "--model", at("model", "model"), "--out", at("g.png"), ...words);

  it("repeats labels and names what does not fit", () => {
    expect(sample("--steps", "2", "--labels", "3,1", "--count", "5").status).toBe(0);
    expectRefused(
      sample("--labels", "0-9", "--count", "5"),
      2,
      /--count: found 5, but --labels 0-9 names 10/,
    );
    expectRefused(sample("--steps", "401"), 2, /--steps: found 401, expected at most the model's T = 400/);
    expectRefused(sample("--sampler", "plms"), 2, /--sampler: found "plms", expected one of ddpm, ddim/);
  });

  it("gives no file a name of another kind", () => {
    const refused = (flag: string, path: string, message: RegExp) =>
      expectRefused(trainer("sample", "--model", at("model", "model"), flag, path), 2, message);
    refused("--out", "a/x.txt", /--out: found "a\/x\.txt", but a \.png file is written; call it a\/x\.png/);
    refused("--raw", "x.bin", /--raw: found "x\.bin", but a \.npy file is written; call it x\.npy/);
  });

  it("has nothing to draw with before training", () => {
    expectRefused(trainer("sample", "--model", net), 1, /it is not trained; give the model folder of a run/);
  });

  it("refuses weights that are not those of the manifest", () => {
    const folder = at("tampered");
    cpSync(at("model", "model"), folder, { recursive: true });
    const path = join(folder, "weights.safetensors");
    const bytes = readFileSync(path);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(path, bytes);
    expectRefused(trainer("sample", "--model", folder), 1, /weights\.safetensors: its SHA-256 is/);
  });
});
