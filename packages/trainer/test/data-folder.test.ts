/** A folder of images: read, cut, kept in the cache; and whatever else may lie in folders. */

import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type LoadOptions, loadDataset } from "../src/data/index.js";
import { previewPng } from "../src/pictures/index.js";
import { emitSmallModel, trainer } from "./small-model.js";

const root = mkdtempSync(join(tmpdir(), "folder-"));
beforeAll(() => vi.stubEnv("ONNX_DIFFUSION_CACHE", join(root, "cache")));
beforeEach(() => rmSync(join(root, "cache"), { recursive: true, force: true }));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

const colours = { red: [200, 20, 30], green: [10, 180, 40], blue: [0, 60, 250] } as const;
/** An image of one colour. */
const plain = ([r, g, b]: readonly [number, number, number], width = 40, height = 30) =>
  sharp({ create: { width, height, channels: 3, background: { r, g, b } } });

/** A new folder with these files. */
async function folder(files: Record<string, Uint8Array | Sharp>): Promise<string> {
  const path = mkdtempSync(join(root, "set-"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content instanceof Uint8Array ? content : await content.png().toBuffer());
  }
  return path;
}

/** Twelve images of each of three classes. */
const threeClasses = () =>
  folder(
    Object.fromEntries(
      Object.entries(colours).flatMap(([name, colour]) =>
        Array.from({ length: 12 }, (_, i) => [`${name}/${String(i).padStart(2, "0")}.png`, plain(colour)]),
      ),
    ),
  );

async function load(path: string, options: Partial<LoadOptions> = {}) {
  const warnings: string[] = [];
  const dataset = await loadDataset(`folder:${path}`, {
    ...{ split: "train", channels: 3, height: 8, width: 8 },
    onWarning: (text) => warnings.push(text),
    ...options,
  });
  const labels = new Int32Array(dataset.count);
  dataset.labels([...labels.keys()], labels);
  const image = (i: number) => {
    const out = new Uint8Array(dataset.channels * dataset.height * dataset.width);
    dataset.images([i], out);
    return out;
  };
  return { dataset, labels: [...labels], image, warnings };
}

const refusal = async (path: string, options: Partial<LoadOptions> = {}): Promise<string> => {
  const error = await load(path, options).catch((caught: Error) => caught);
  expect(error).toMatchObject({ name: "UserError" });
  expect((error as Error).message).not.toContain("\n");
  return (error as Error).message;
};

describe("a folder of images", () => {
  it("has a class a subfolder, in the order of names, and keeps every tenth image for testing", async () => {
    const path = await threeClasses();
    const { dataset, labels, image, warnings } = await load(path);
    expect(dataset).toMatchObject({ count: 33, classes: 3, classNames: ["blue", "green", "red"] });
    expect(labels.filter((label) => label === 2)).toHaveLength(11);
    expect([...image(32)]).toEqual([200, 20, 30].flatMap((v) => new Array(64).fill(v)));
    expect(warnings).toEqual([]);
    const test = await load(path, { split: "test" });
    expect(test.labels).toEqual([0, 1, 2]);
    expect(dataset.digest).toBe((await load(path)).dataset.digest);
  });

  it("takes train and test where both are there", async () => {
    const path = await folder({
      "train/a/1.png": plain(colours.red),
      "train/b/1.png": plain(colours.blue),
      "test/a/1.png": plain(colours.green),
      "test/b/1.png": plain(colours.blue),
    });
    expect((await load(path)).labels).toEqual([0, 1]);
    expect([...(await load(path, { split: "test" })).image(0)].filter((_, i) => i % 64 === 0)).toEqual([
      10, 180, 40,
    ]);
  });

  it("cuts a square from the middle", async () => {
    const wide = plain(colours.red, 40, 8).composite([
      { input: await plain(colours.green, 8, 8).png().toBuffer(), left: 16, top: 0 },
    ]);
    const { image } = await load(await folder({ "1.png": await wide.png().toBuffer() }), { split: "train" });
    // the middle eight columns are green: 180 in the middle of the second plane
    expect([image(0)[27], image(0)[64 + 27], image(0)[128 + 27]]).toEqual([10, 180, 40]);
  });

  it.each(["jpeg", "webp", "gif", "tiff", "avif"] as const)("reads %s", async (format) => {
    const bytes = await plain(colours.green).toFormat(format).toBuffer();
    const { image } = await load(await folder({ "an image": bytes }));
    // lossy formats: some levels
    for (const [c, value] of colours.green.entries())
      expect(Math.abs(image(0)[64 * c]! - value)).toBeLessThan(6);
  });

  it("puts transparent parts on white, turns what a camera says is turned, and takes grey and 16 bits", async () => {
    const clear = sharp({
      create: { width: 8, height: 8, channels: 4, background: { r: 9, g: 9, b: 9, alpha: 0 } },
    });
    // left half black, right half white, told to be turned by 180 degrees
    const halves = Uint8Array.from({ length: 64 }, (_, i) => (i % 8 < 4 ? 0 : 255));
    const turned = sharp(halves, { raw: { width: 8, height: 8, channels: 1 } }).withMetadata({
      orientation: 3,
    });
    const deep = sharp(
      Uint16Array.from({ length: 64 }, () => 0x8080),
      { raw: { width: 8, height: 8, channels: 1 } },
    );
    const { image } = await load(
      await folder({
        "1.png": await clear.png().toBuffer(),
        "2.jpg": await turned.jpeg({ quality: 100 }).toBuffer(),
        "3.png": await deep.toColourspace("grey16").png().toBuffer(),
      }),
    );
    expect(new Set(image(0))).toEqual(new Set([255]));
    expect(image(1)[0]).toBeGreaterThan(250);
    expect(image(1)[7]).toBeLessThan(5);
    expect(Math.abs(image(2)[0]! - 128)).toBeLessThan(2);
  });

  it("images alone are one class, named after the folder", async () => {
    const path = await folder({ "1.png": plain(colours.red), "2.png": plain(colours.blue) });
    const { dataset } = await load(path);
    expect(dataset).toMatchObject({ count: 2, classes: 1, classNames: [path.split("/").at(-1)] });
    expect(await refusal(path, { split: "test" })).toMatch(
      /2 images, expected at least 10, of which one is kept/,
    );
  });

  it("grey networks get the luma", async () => {
    const { image } = await load(await folder({ "1.png": plain(colours.red) }), { channels: 1 });
    expect(new Set(image(0))).toEqual(new Set([Math.round(0.299 * 200 + 0.587 * 20 + 0.114 * 30)]));
  });
});

describe("the cache", () => {
  const cached = () => readdirSync(join(root, "cache", "folders"));

  it("is one file a folder and size, which is read the next time", async () => {
    const path = await threeClasses();
    const first = await load(path);
    expect(cached()).toHaveLength(1);
    // who reads the cache does not see what the same name, size and time hide
    const file = join(path, "red", "00.png");
    const bytes = readFileSync(file);
    const time = new Date(2020, 1, 1);
    utimesSync(file, time, time);
    await load(path);
    writeFileSync(file, new Uint8Array(bytes.length));
    utimesSync(file, time, time);
    expect((await load(path)).dataset.digest).toBe(first.dataset.digest);
    await load(path, { height: 4, width: 4 });
    expect(cached()).toHaveLength(2);
  });

  it("is made again when a file is added, changed, removed, or the cache is damaged", async () => {
    const path = await threeClasses();
    const counts = async () => (await load(path)).dataset.count;
    expect(await counts()).toBe(33);
    writeFileSync(join(path, "red", "99.png"), await plain(colours.red).png().toBuffer());
    expect(await counts()).toBe(34);
    rmSync(join(path, "red", "00.png"));
    expect(await counts()).toBe(33);
    writeFileSync(join(path, "red", "01.png"), await plain([1, 2, 3], 50, 50).png().toBuffer());
    expect([...(await load(path)).image(22).subarray(0, 1)]).toEqual([1]);
    const file = join(root, "cache", "folders", cached()[0]!);
    writeFileSync(file, readFileSync(file).subarray(0, 100));
    expect(await counts()).toBe(33);
    expect(cached()).toHaveLength(1);
  });

  it("that cannot be written is a warning", async () => {
    writeFileSync(join(root, "cache"), "a file in the way");
    const { dataset, warnings } = await load(await folder({ "1.png": plain(colours.red) }));
    expect(dataset.count).toBe(1);
    expect(warnings[0]).toMatch(/^the images are not kept for the next time: cannot make the folder/);
    rmSync(join(root, "cache"));
  });
});

describe("what else lies in folders", () => {
  it("broken files, links and strays are named and left out; hidden ones are not mentioned", async () => {
    const png = await plain(colours.red).png().toBuffer();
    const path = await folder({
      "a/good.png": png,
      "a/cut.png": png.subarray(0, png.length - 20),
      "a/empty.png": new Uint8Array(0),
      "a/notes.txt": Buffer.from("no image"),
      "a/.DS_Store": Buffer.from("hidden"),
      "b/deeper/good.png": png,
      "stray.png": png,
    });
    symlinkSync(join(path, "a"), join(path, "b", "circle"));
    symlinkSync("/etc/passwd", join(path, "b", "secret.png"));
    const { labels, warnings, dataset } = await load(path);
    expect(labels).toEqual([0, 1]);
    expect(dataset.classNames).toEqual(["a", "b"]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(
      /^6 files are left out: "b\/circle", "b\/secret\.png", "stray\.png", "a\/cut\.png \(.*\)", "a\/empty/,
    );
    expect(warnings[0]).toMatch(/ and 1 more$/);
    // from the cache the same
    expect((await load(path)).warnings).toEqual(warnings);
  });

  it("names cannot write on the terminal, and classes of any name have a picture", async () => {
    const bad = "\u001b[31mred\nline";
    const path = await folder({
      [`${bad}/1.png`]: plain(colours.red),
      "ü漢/1.png": plain(colours.blue),
      [`${bad}/x\u001b.txt`]: Buffer.from("x"),
    });
    const { dataset, warnings } = await load(path);
    expect(dataset.classNames).toEqual(["?[31mred?line", "ü漢"]);
    mkdirSync(join(path, "x".repeat(250)));
    writeFileSync(join(path, "x".repeat(250), "1.png"), await plain(colours.green).png().toBuffer());
    const many = await load(path);
    const { width } = await sharp(await previewPng(many.dataset, `folder:${path}`)).metadata();
    // twelve columns of 16 pixels, beside names of at most 32 letters
    expect(width).toBeLessThan(900);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none must be left
    expect(warnings.join("")).not.toMatch(/[\u0000-\u001f]/);
  });

  it("an image of too many pixels is left out before it is decoded", async () => {
    // 60,000 x 60,000 pixels of one colour in some kilobytes
    const svg = Buffer.from(
      '<svg xmlns="http://www.w3.org/2000/svg" width="30000" height="30000"><rect width="9" height="9"/></svg>',
    );
    const { dataset, warnings } = await load(await folder({ "1.png": plain(colours.red), "huge.svg": svg }));
    expect(dataset.count).toBe(1);
    expect(warnings[0]).toMatch(/huge\.svg \(more than 100 megapixels\)/);
  });

  it.each<[string, () => Promise<string>, RegExp]>([
    ["nothing there", async () => join(root, "nowhere"), /^--data folder:.*nowhere: there is no such folder/],
    [
      "a file",
      async () => join(await folder({ "a.png": plain(colours.red) }), "a.png"),
      /it is a file, a folder was expected/,
    ],
    ["empty", () => folder({}), /there is no image in it; give a folder of images/],
    [
      "no images",
      () => folder({ "a/1.txt": Buffer.from("x"), "b/1.txt": Buffer.from("y") }),
      /there is no image in it/,
    ],
    [
      "an empty class",
      () => folder({ "a/1.png": plain(colours.red), "b/1.txt": Buffer.from("y") }),
      /there is no image in "b"; remove the folder/,
    ],
    [
      "too many classes",
      () => folder(Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`${i}/1`, Buffer.from("x")]))),
      /257 subfolders, expected at most 256 classes/,
    ],
  ])("%s is refused in one line", async (_, path, message) => {
    expect(await refusal(await path())).toMatch(message);
  });

  it("--data-dir has no meaning here, and a near name is offered", async () => {
    const path = await folder({ "photos/1.png": plain(colours.red) });
    expect(await refusal(path, { dataDir: path })).toMatch(
      /^--data-dir: a folder of images is named by --data/,
    );
    expect(await refusal(join(path, "photo"))).toMatch(/no such folder; did you mean photos\?/);
  });

  it("an abort ends it", async () => {
    const reason = new Error("stop");
    await expect(load(await threeClasses(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe("training on a folder", () => {
  it("needs classes where the network is told them, and trains where they are there", async () => {
    const net = emitSmallModel("--option", "classes=3");
    const words = [
      "--artifacts",
      net,
      "--steps",
      "2",
      "--sample-every",
      "0",
      "--device",
      "cpu",
      "--batch",
      "4",
    ];
    const one = await folder({
      "1.png": plain(colours.red),
      "2.png": plain(colours.blue),
      "3.txt": Buffer.from("x"),
    });
    const refused = trainer(...words, "--data", `folder:${one}`, "--out", join(root, "one"));
    expect(refused.stderr).toMatch(
      /it has one class, the network is told classes; put the images of each class into a subfolder/,
    );
    expect(refused.stderr.trim().split("\n")).toHaveLength(1);
    expect(refused.status).toBe(1);
    expect(refused.stdout).toMatch(/^warning: 1 file is left out: "3\.txt \(no image\)"$/m);
    const three = await threeClasses();
    const trained = trainer(...words, "--data", `folder:${three}`, "--out", join(root, "three"));
    expect({ status: trained.status, stderr: trained.stderr }).toEqual({ status: 0, stderr: "" });
    expect(trained.stdout).toMatch(/^data: folder:.*, 33 images$/m);
  });
});
