import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { type LoadOptions, loadDataset } from "../src/data/index.js";

const RECORD = 3073;
const root = mkdtempSync(join(tmpdir(), "trainer-cifar10-"));
afterAll(() => rmSync(root, { recursive: true }));

/** Two records a batch: labels count on over the files, pixels depend on record, colour and place. */
function batch(first: number): Buffer {
  const bytes = Buffer.alloc(2 * RECORD);
  for (let i = 0; i < 2; i++) {
    bytes[i * RECORD] = first + i;
    for (let p = 0; p < 3072; p++) bytes[i * RECORD + 1 + p] = value(first + i, p);
  }
  return bytes;
}

const value = (record: number, place: number) => (record * 31 + place * 7) % 256;

function folder(changes: Record<string, Buffer | undefined> = {}, inside = ""): string {
  const path = mkdtempSync(join(root, "set-"));
  mkdirSync(join(path, inside), { recursive: true });
  const files: Record<string, Buffer | undefined> = { "test_batch.bin": batch(3), ...changes };
  for (let i = 1; i <= 5; i++) files[`data_batch_${i}.bin`] ??= batch(2 * i - 2);
  for (const [name, bytes] of Object.entries({ ...files, ...changes })) {
    if (bytes) writeFileSync(join(path, inside, name), bytes);
  }
  return path;
}

const load = (dataDir: string, options: Partial<LoadOptions> = {}) =>
  loadDataset("cifar10", { split: "train", channels: 3, height: 32, width: 32, dataDir, ...options });

describe("CIFAR-10 from binary batches", () => {
  test.each(["", "cifar-10-batches-bin"])("the five batches in order, in folder '%s'", async (inside) => {
    const data = await load(folder({}, inside));
    expect(data).toMatchObject({ count: 10, channels: 3, height: 32, width: 32, classes: 10 });
    expect(data.classNames).toHaveLength(10);
    const labels = new Int32Array(10);
    data.labels([...labels.keys()], labels);
    expect([...labels]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const out = new Uint8Array(2 * 3072);
    data.images([7, 2], out);
    expect(out).toEqual(Uint8Array.from({ length: 6144 }, (_, i) => value(i < 3072 ? 7 : 2, i % 3072)));
  });

  test("the test batch", async () => {
    const data = await load(folder(), { split: "test" });
    const labels = new Int32Array(2);
    data.labels([0, 1], labels);
    expect([data.count, ...labels]).toEqual([2, 3, 4]);
  });

  test("grey is the luma of the three planes", async () => {
    const data = await load(folder(), { channels: 1 });
    const out = new Uint8Array(1024);
    data.images([4], out);
    // BT.601, rounded
    const luma = (p: number) =>
      Math.round(0.299 * value(4, p) + 0.587 * value(4, p + 1024) + 0.114 * value(4, p + 2048));
    expect(out).toEqual(Uint8Array.from({ length: 1024 }, (_, p) => luma(p)));
  });

  test("half the size averages each colour by itself", async () => {
    const flat = Buffer.concat([
      Buffer.from([1]),
      Buffer.alloc(1024, 200),
      Buffer.alloc(1024, 30),
      Buffer.alloc(1024, 7),
    ]);
    const data = await load(folder({ "test_batch.bin": flat }), { split: "test", height: 16, width: 16 });
    const out = new Uint8Array(3 * 256);
    data.images([0], out);
    expect(new Set(out.subarray(0, 256))).toEqual(new Set([200]));
    expect(new Set(out.subarray(256, 512))).toEqual(new Set([30]));
    expect(new Set(out.subarray(512))).toEqual(new Set([7]));
  });

  test("the digest depends on pixels and labels", async () => {
    const changed = batch(0);
    changed[5]! ^= 1;
    const other = batch(0);
    other[0] = 9;
    const sets = [{}, {}, { "data_batch_1.bin": changed }, { "data_batch_1.bin": other }];
    const digests = await Promise.all(sets.map(async (files) => (await load(folder(files))).digest));
    expect(digests[1]).toBe(digests[0]);
    expect(new Set(digests).size).toBe(3);
  });
});

describe("damaged files are refused in one line", () => {
  const wrongLabel = batch(0);
  wrongLabel[RECORD] = 10;
  test.each<[string, Record<string, Buffer | undefined>, RegExp]>([
    [
      "cut short",
      { "data_batch_2.bin": batch(0).subarray(0, 6000) },
      /_2\.bin: 6000 bytes, expected a multi/,
    ],
    ["empty", { "data_batch_5.bin": Buffer.alloc(0) }, /_5\.bin: 0 bytes, expected/],
    ["one byte too long", { "data_batch_1.bin": Buffer.alloc(3074) }, /_1\.bin: 3074 bytes/],
    ["label", { "data_batch_3.bin": wrongLabel }, /_3\.bin: record 1 has the label 10, expected 0 to 9/],
    ["one missing", { "data_batch_4.bin": undefined }, /cannot read .*_4\.bin: no such file/],
    ["the first missing", { "data_batch_1.bin": undefined }, /there is no data_batch_1\.bin; put the six/],
  ])("%s", async (_, files, message) => {
    const error = await load(folder(files)).catch((e: Error) => e);
    expect(error).toMatchObject({ name: "UserError", message: expect.stringMatching(message) });
    expect((error as Error).message).not.toContain("\n");
  });

  test("files in the cache must be the official ones", async () => {
    const cache = mkdtempSync(join(root, "cache-"));
    const official = () => loadDataset("cifar10", { split: "test", channels: 3, height: 32, width: 32 });
    vi.stubEnv("ONNX_DIFFUSION_CACHE", cache);
    try {
      await expect(official()).rejects.toThrow(/there is no .*test_batch\.bin; get it with: trainer data/);
      mkdirSync(join(cache, "cifar10"));
      writeFileSync(join(cache, "cifar10", "test_batch.bin"), batch(3));
      await expect(official()).rejects.toThrow(/test_batch\.bin: MD5 [0-9a-f]{32}, expected 803d5f7f/);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test("an abort ends it", async () => {
    const reason = new Error("stop");
    await expect(load(folder(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
