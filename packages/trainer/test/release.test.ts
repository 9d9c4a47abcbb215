/** Trained weights beside an emitted model, and the ones that are committed. */

import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Manifest, parseManifest } from "@onnx-diffusion/diffusion";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { emitSmallModel, trainer } from "./small-model.js";

const MODELS = fileURLToPath(new URL("../../../models", import.meta.url));
const JUDGE = join(MODELS, "judge");
const work = mkdtempSync(join(tmpdir(), "release-"));
const at = (...parts: string[]) => join(work, ...parts);
afterAll(() => rmSync(work, { recursive: true, force: true }));

const FEW = ["--sampler", "ddim", "--steps", "2"];
const succeeds = (...words: string[]): string => {
  const { status, stdout, stderr } = trainer(...words);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout;
};
/** What a release must do: be whole, and draw an image of each class that is not all one colour. */
async function expectDraws(folder: string, picture: string): Promise<void> {
  expect(succeeds("verify", folder)).toMatch(/ok {2}the known answer, to \S+\n$/);
  succeeds("sample", "--model", folder, ...FEW, "--out", picture);
  const { channels } = await sharp(picture).stats();
  expect(channels[0]!.stdev).toBeGreaterThan(10);
}

describe("a release", () => {
  let net = "";
  let emitted: string[] = [];
  const MODEL = at("run", "model");
  const EVAL = at("run", "eval");
  const release = (...words: string[]) =>
    trainer("export", "--model", MODEL, "--as", "fp16-weights", "--eval", EVAL, ...words);
  beforeAll(() => {
    net = emitSmallModel();
    emitted = readdirSync(net);
    succeeds("--artifacts", net, "--out", at("run"), "--steps", "20", "--lr", "1e-3", "--sample-every", "0");
    succeeds("eval", "--model", MODEL, "--judge", JUDGE, "--count", "20", ...FEW);
    const { status, stderr } = release("--out", join(net, "trained"));
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });

  it("lies beside the emitted files, which stay as they are and train as before", () => {
    expect(readdirSync(net).sort()).toEqual([...emitted, "trained"].sort());
    expect(readdirSync(join(net, "trained")).sort()).toEqual([
      "README.md",
      "inference_model.onnx",
      "manifest.json",
      "samples.png",
      "weights.safetensors",
    ]);
    succeeds("--artifacts", net, "--out", at("again"), "--steps", "1", "--sample-every", "0");
  });

  it("is verified, draws, and is evaluated like the model of a run", async () => {
    await expectDraws(join(net, "trained"), at("grid.png"));
    const words = ["--judge", JUDGE, "--count", "20", ...FEW, "--out", at("eval-16")];
    expect(succeeds("eval", "--model", join(net, "trained"), ...words)).toMatch(/accuracy \d+\.\d % of 20/);
  });

  it("has a card with what it draws and how good it is", () => {
    const card = readFileSync(join(net, "trained", "README.md"), "utf8");
    const { confusion, frechet } = JSON.parse(readFileSync(join(EVAL, "eval.json"), "utf8"));
    expect(card).toContain("![Drawn with DDPM in 400 steps, from seed 0](samples.png)");
    expect(card).toContain(`| accuracy | **${(100 * confusion.accuracy).toFixed(1)} %** (`);
    expect(card).toContain(
      `| Fréchet distance | **${frechet.drawn.toFixed(2)}** between 20 drawn and 20 test`,
    );
    expect(card).toContain("drew 20 images (ddim, 2 steps, seed 0)");
  });

  it.each<[string, (text: string) => string, RegExp]>([
    [
      "of another model",
      (text) => text.replace(/"sha256": "...../, '"sha256": "00000'),
      /it is of unet-cond after 20 steps with weights of SHA-256 00000\S+…, expected/,
    ],
    ["that is no JSON", () => "{", /eval\.json: it is no JSON/],
    [
      "without a field",
      (text) => text.replace('"frechet"', '"other"'),
      /eval\.json: frechet: found nothing|eval\.json: .*expected an object/,
    ],
    [
      "with an impossible share",
      (text) => text.replace(/"accuracy": [\d.]+/, '"accuracy": 3'),
      /confusion\.accuracy: found 3|judge\.accuracy: found 3, expected a number in 0\.\.1/,
    ],
  ])("an evaluation %s is refused, and nothing is left", (_, change, message) => {
    cpSync(EVAL, at("eval"), { recursive: true });
    writeFileSync(at("eval", "eval.json"), change(readFileSync(join(EVAL, "eval.json"), "utf8")));
    const { status, stderr } = release("--eval", at("eval"), "--out", at("refused"));
    expect(stderr).toMatch(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(status).toBe(1);
    expect(existsSync(at("refused"))).toBe(false);
  });

  it("a folder without an evaluation is named", () => {
    const { status, stderr } = release("--eval", at("nowhere"), "--out", at("refused"));
    expect(stderr).toMatch(/^trainer: cannot read .*nowhere.eval\.json: no such file/);
    expect(status).toBe(1);
  });
});

/** The committed models/<network>/trained. */
const RELEASED = readdirSync(MODELS).filter((name) => existsSync(join(MODELS, name, "trained")));

describe.skipIf(RELEASED.length === 0)("released models", () => {
  it.each(RELEASED)("%s is whole, small, of the emitted network, and draws", async (name) => {
    const folder = join(MODELS, name, "trained");
    const bytes = readdirSync(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
    expect(bytes).toBeLessThan(12e6);
    const read = (path: string) => parseManifest(readFileSync(path, "utf8"), path);
    const [trained, emitted] = [
      read(join(folder, "manifest.json")),
      read(join(folder, "..", "manifest.json")),
    ];
    // how it was trained is its own: with averages, say
    const told = ({ network, image, classes, timestep, schedule, graphs, state }: Manifest) => ({
      ...{ network, image, classes, timestep, schedule, graph: graphs.inference_model },
      weights: state.filter(({ kind }) => kind === "parameter" || kind === "buffer"),
    });
    expect(told(trained)).toEqual(told(emitted));
    expect(readFileSync(join(folder, "README.md"), "utf8")).toContain("## How good");
    await expectDraws(folder, at(`${name}.png`));
  });
});
