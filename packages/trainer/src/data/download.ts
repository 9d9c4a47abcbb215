/** One file from the web: resumed where it stopped, checked, and there whole or not at all. */

import { createHash, type Hash } from "node:crypto";
import { createReadStream, existsSync, renameSync, rmSync, statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { fileError, UserError } from "@onnx-diffusion/diffusion";
import { makeFolder } from "../files.js";

/** A file that is known before it is fetched. */
export interface Remote {
  readonly url: string;
  /** About how many bytes it has: for the progress, and so that a server cannot fill the disk. */
  readonly bytes: number;
  readonly algorithm: "md5" | "sha512";
  /** Hexadecimal. */
  readonly digest: string;
}

/** How far work is: bytes, files or parts, as it counts. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

/** So often a connection that broke off is taken up again, each time it has brought something. */
const TRIES = 5;
/** Milliseconds without a byte after which a connection counts as broken. */
const PATIENCE = 30_000;

/** A connection that broke off; what came before is kept. */
class BrokenOff extends Error {}

/**
 * Fetches a file. What has arrived is kept in `<path>.part`, and a later call goes on from there.
 *
 * @throws UserError if the server cannot be reached, answers with an error, or sends another file.
 * @throws the signal's reason when it is aborted.
 */
export async function* download(
  remote: Remote,
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<Progress, void, undefined> {
  if (existsSync(path)) {
    if ((await digestOf(path, remote.algorithm)).digest("hex") === remote.digest) return;
    rmSync(path, { force: true });
  }
  makeFolder(dirname(path));
  const part = `${path}.part`;
  for (let tries = 1, before = -1; ; tries++) {
    try {
      yield* fetchRest(remote, part, signal);
      break;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof BrokenOff)) throw error;
      const size = sizeOf(part);
      if (tries >= TRIES || size <= before) {
        const kept = size > 0 ? `; ${size} bytes are kept: the same command goes on from there` : "";
        throw new UserError(`${remote.url}: ${error.message}${kept}`, { cause: error });
      }
      before = size;
    }
  }
  const found = (await digestOf(part, remote.algorithm)).digest("hex");
  if (found !== remote.digest) {
    const size = sizeOf(part);
    rmSync(part, { force: true });
    throw new UserError(
      `${remote.url}: ${size} bytes with the ${remote.algorithm.toUpperCase()} ${short(found)}, expected ` +
        `${short(remote.digest)}; the server has another file, or it was damaged on its way: try again`,
    );
  }
  renameSync(part, path);
}

async function* fetchRest(
  remote: Remote,
  part: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Progress, void, undefined> {
  const have = sizeOf(part);
  const idle = new AbortController();
  const stop = AbortSignal.any([idle.signal, ...(signal ? [signal] : [])]);
  let timer = setTimeout(() => idle.abort(), PATIENCE);
  let file: FileHandle | undefined;
  try {
    const response = await request(remote.url, have, stop);
    if (response.status === 416) {
      // there is nothing after what is here: it may be whole, which the digest will tell
      if (have > 0) return;
    }
    if (!response.ok || response.body === null) {
      throw new UserError(
        `${remote.url}: the server answers ${response.status} ${response.statusText}`.trimEnd(),
      );
    }
    const goesOn = response.status === 206 && startOf(response) === have;
    if (response.status === 206 && !goesOn)
      throw new UserError(`${remote.url}: the server sent another part`);
    let done = goesOn ? have : 0;
    const length = Number(response.headers.get("content-length"));
    const total = length > 0 ? done + length : remote.bytes;
    file = await opened(part, goesOn ? "a" : "w");
    yield { done, total };
    for await (const chunk of chunks(response.body, stop)) {
      clearTimeout(timer);
      timer = setTimeout(() => idle.abort(), PATIENCE);
      done += chunk.byteLength;
      if (done > 1.5 * remote.bytes + 1e6) {
        rmSync(part, { force: true });
        throw new UserError(`${remote.url}: more than ${done} bytes, expected about ${remote.bytes}`);
      }
      await written(file, part, chunk);
      yield { done, total };
    }
    if (length > 0 && done < total) throw new BrokenOff(`it broke off after ${done} of ${total} bytes`);
    await file.sync();
  } catch (error) {
    if (idle.signal.aborted) throw new BrokenOff(`nothing came for ${PATIENCE / 1000} s`);
    throw error;
  } finally {
    clearTimeout(timer);
    await file?.close();
  }
}

async function request(url: string, have: number, signal: AbortSignal): Promise<Response> {
  try {
    // packed archives: no further encoding, whose length would be another
    const headers = { "accept-encoding": "identity", ...(have > 0 ? { range: `bytes=${have}-` } : {}) };
    return await fetch(url, { headers, signal, redirect: "follow" });
  } catch (error) {
    throw signal.aborted ? error : new BrokenOff(`it cannot be reached (${reasonOf(error)})`);
  }
}

async function* chunks(body: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw signal.aborted ? error : new BrokenOff(`the connection broke off (${reasonOf(error)})`);
  }
}

/** fetch says "fetch failed" and has the reason inside. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  const inner = cause as NodeJS.ErrnoException | undefined;
  return inner?.code ?? inner?.message ?? message;
}

/** Where a part begins. */
const startOf = (response: Response): number =>
  Number(/^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1] ?? Number.NaN);

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

async function opened(path: string, flags: "a" | "w"): Promise<FileHandle> {
  try {
    return await open(path, flags);
  } catch (error) {
    throw fileError(`cannot write ${path}`, error);
  }
}

async function written(file: FileHandle, path: string, bytes: Uint8Array): Promise<void> {
  try {
    await file.writeFile(bytes);
  } catch (error) {
    throw fileError(`cannot write ${path}`, error);
  }
}

/** The digest of a file. */
export async function digestOf(path: string, algorithm: "md5" | "sha512"): Promise<Hash> {
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash;
}

const short = (digest: string): string => (digest.length > 40 ? `${digest.slice(0, 16)}…` : digest);
