import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp, { type Region } from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { emitSmallModel, trainer } from "./small-model.js";

describe("trainer figures", () => {
  const folder = mkdtempSync(join(tmpdir(), "figures-"));
  const at = (...parts: string[]) => join(folder, ...parts);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const figures = (...words: string[]) => trainer("figures", ...words, "--out", at("out"));
  /** Mean difference of the pixels of two parts of a picture. */
  const difference = async (file: string, a: Region, b: Region): Promise<number> => {
    const [first, second] = await Promise.all(
      [a, b].map((region) => sharp(file).extract(region).removeAlpha().raw().toBuffer()),
    );
    return first!.reduce((sum, value, i) => sum + Math.abs(value - second![i]!), 0) / first!.length;
  };

  it("schedule draws three plots, as PNG and SVG, the same each time", async () => {
    const result = figures("schedule");
    expect(result.stderr).toBe("");
    expect(result.status).toBe(0);
    const names = ["schedule-alphaBar", "schedule-beta", "schedule-snr"];
    expect(readdirSync(at("out")).sort()).toEqual(names.flatMap((name) => [`${name}.png`, `${name}.svg`]));
    for (const name of names) {
      const { width, height } = await sharp(at("out", `${name}.png`)).metadata();
      expect([width, height]).toEqual([1920, 1080]);
      expect(readFileSync(at("out", `${name}.svg`), "utf8")).toMatch(/^<svg .*<\/svg>\n$/s);
    }
    const before = readFileSync(at("out", "schedule-snr.svg"));
    figures("schedule");
    expect(readFileSync(at("out", "schedule-snr.svg"))).toEqual(before);
  });

  it("forward draws images that become noise, and what a network predicts before and after training", async () => {
    const run = [
      "--artifacts",
      emitSmallModel("--ema", "0.9"),
      "--out",
      at("run"),
      "--steps",
      "60",
      "--lr",
      "1e-2",
    ];
    expect(trainer(...run, "--sample-every", "0", "--device", "cpu").status).toBe(0);
    const result = figures("forward", "--model", at("run", "model"));
    expect(result.stderr).toBe("");
    const file = at("out", "forward.png");
    const { width, height } = await sharp(file).metadata();
    // Rows of 96 pixels, 30 apart, from the last one's foot 40 above the edge; columns of 96, 6 apart.
    const cell = (row: number, column: number): Region => ({
      left: width - 40 - 96 - (7 - column) * 102,
      top: height - 40 - 96 - (5 - row) * 126,
      width: 96,
      height: 96,
    });
    const [X, XT, NOISE, UNTRAINED, TRAINED, DENOISED] = [0, 1, 2, 3, 4, 5];
    // The first column has little noise, the last nearly nothing else.
    expect(await difference(file, cell(X, 0), cell(XT, 0))).toBeLessThan(30);
    expect(await difference(file, cell(X, 7), cell(XT, 7))).toBeGreaterThan(60);
    // Random weights see something, if not what is there; an average of nothing would be one grey.
    const { channels } = await sharp(await sharp(file).extract(cell(UNTRAINED, 0)).toBuffer()).stats();
    expect(channels[0]!.stdev).toBeGreaterThan(1);
    // Where the noise is all there is, sixty steps teach to see it.
    const trained = await difference(file, cell(NOISE, 7), cell(TRAINED, 7));
    expect(trained).toBeLessThan((await difference(file, cell(NOISE, 7), cell(UNTRAINED, 7))) * 0.8);
    // x_t less the noise that was seen is nearer to x than x_t is.
    const denoised = await difference(file, cell(X, 2), cell(DENOISED, 2));
    expect(denoised).toBeLessThan(await difference(file, cell(X, 2), cell(XT, 2)));
    expect(readFileSync(at("out", "forward.svg"), "utf8")).toContain("data:image/png;base64,");
  });

  it.each([
    [[], 2, /^trainer: figures: which one\? expected forward or schedule/],
    [["backward"], 2, /^trainer: figures: found "backward", expected one of forward, schedule/],
    [["forward", "--data", "mnits"], 2, /did you mean mnist\?/],
    [["forward", "--model", "nowhere"], 1, /^trainer: --model nowhere: there is no such folder/],
    [["schedule", "more"], 2, /^trainer: Unknown argument: more/],
  ])("refuses %j", (words, status, message) => {
    const result = figures(...words);
    expect(result.stderr).toMatch(message);
    expect(result.stderr.trim().split("\n")).toHaveLength(1);
    expect(result.status).toBe(status);
  });

  it("a model that has not been trained has nothing to compare", () => {
    const result = figures("forward", "--model", emitSmallModel());
    expect(result.stderr).toMatch(/it is not trained; give the model folder of a run/);
    expect(result.status).toBe(1);
  });
});
