/**
 * The idx format of MNIST (http://yann.lecun.com/exdb/mnist, "the IDX file format"): two zero bytes, a type byte,
 * the rank, the sizes as big-endian uint32, then the values in C order. Only uint8 values (type 0x08) are read.
 * Nothing is allocated from a header before the size of the file has confirmed it.
 */

import { open, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { constants, gunzip as gunzipCallback } from "node:zlib";
import { fileError, UserError } from "@onnx-diffusion/diffusion";

const gunzip = promisify(gunzipCallback);

export interface IdxArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Node's readFile goes no further. */
const LARGEST = 2 ** 31 - 1;
/** Deflate cannot shrink data by more than about 1032 times (zlib's technical notes). */
const DEFLATE_LIMIT = 1032;
/** More than the longest header (4 + 4 * 255 bytes) and gzip's own one. */
const PEEK = 4096;

/**
 * Reads an idx file of uint8 values; a name that ends in `.gz` is decompressed.
 *
 * @param rank The number of dimensions that the caller expects.
 * @throws UserError naming the file, what was found, what was expected and what to do.
 */
export async function readIdx(path: string, rank: number): Promise<{ array: IdxArray; bytes: Uint8Array }> {
  const bytes = path.endsWith(".gz") ? await readGzip(path) : await readPlain(path);
  const { shape, offset } = parseHeader(bytes, path);
  if (shape.length !== rank) {
    const magic = `0x${(0x0800 + shape.length).toString(16).padStart(8, "0")}`;
    const expected = `0x${(0x0800 + rank).toString(16).padStart(8, "0")}`;
    throw new UserError(
      `${path}: magic number ${magic} (${shape.length} dimensions), expected ${expected} (${rank}); ` +
        "are the image and the label file swapped?",
    );
  }
  return { array: { shape, data: bytes.subarray(offset) }, bytes };
}

async function readPlain(path: string): Promise<Uint8Array> {
  const { head, size } = await peek(path);
  if (head[0] === 0x1f && head[1] === 0x8b) {
    throw new UserError(`${path}: this is a gzip file, expected plain idx; give its name the ending .gz`);
  }
  checkSize(path, size, expectedSize(head, path));
  return await readFile(path).catch((error) => {
    throw fileError(`cannot read ${path}`, error);
  });
}

async function readGzip(path: string): Promise<Uint8Array> {
  const { head, size } = await peek(path);
  if (head[0] !== 0x1f || head[1] !== 0x8b) {
    const start = `0x${Buffer.from(head.subarray(0, 2)).toString("hex")}`;
    const remedy =
      head[0] === 0 && head[1] === 0
        ? "it looks like an idx file that is already decompressed: take .gz off its name"
        : "get it again";
    throw new UserError(`${path}: starts with ${start}, expected a gzip file (0x1f8b); ${remedy}`);
  }
  // The header first: a file that claims more than it can hold is refused before anything is made for it.
  const start = await gunzip(head, { finishFlush: constants.Z_SYNC_FLUSH }).catch((error) => {
    throw gzipError(path, error);
  });
  const expected = expectedSize(start, path);
  if (expected > size * DEFLATE_LIMIT) {
    throw truncated(path, `${size} compressed bytes cannot hold them`, expected);
  }
  const packed = await readFile(path).catch((error) => {
    throw fileError(`cannot read ${path}`, error);
  });
  const bytes = await gunzip(packed, { maxOutputLength: expected }).catch((error) => {
    throw gzipError(path, error, expected);
  });
  checkSize(path, bytes.length, expected);
  return bytes;
}

async function peek(path: string): Promise<{ head: Uint8Array; size: number }> {
  try {
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      const head = new Uint8Array(Math.min(PEEK, size));
      const { bytesRead } = await file.read(head, 0, head.length, 0);
      return { head: head.subarray(0, bytesRead), size };
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError(`cannot read ${path}`, error);
  }
}

/** The size in bytes that the header announces for the whole file. */
function expectedSize(head: Uint8Array, path: string): number {
  const { shape, offset } = parseHeader(head, path);
  const size = shape.reduce((a, b) => a * b, 1) + offset;
  if (size > LARGEST) {
    throw new UserError(
      `${path}: the header announces [${shape.join(", ")}] bytes, expected at most 2 GiB; the file is damaged`,
    );
  }
  return size;
}

function parseHeader(bytes: Uint8Array, path: string): { shape: number[]; offset: number } {
  if (bytes.length < 4) throw truncated(path, `${bytes.length} bytes`, 4);
  const rank = bytes[3]!;
  if (bytes[0] !== 0 || bytes[1] !== 0 || bytes[2] !== 0x08 || rank === 0) {
    const magic = Buffer.from(bytes.subarray(0, 4)).toString("hex");
    throw new UserError(
      `${path}: magic number 0x${magic}, expected 0x000008NN (idx with unsigned bytes in NN dimensions); ` +
        "get the file again",
    );
  }
  const offset = 4 + 4 * rank;
  if (bytes.length < offset) throw truncated(path, `${bytes.length} bytes`, offset);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { shape: Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i)), offset };
}

function checkSize(path: string, actual: number, expected: number): void {
  if (actual < expected) throw truncated(path, `${actual} bytes`, expected);
  if (actual > expected) throw tooLong(path, `${actual} bytes`, expected);
}

function truncated(path: string, found: string, expected: number): UserError {
  return new UserError(`${path}: truncated: ${found}, expected ${expected} bytes; get the file again`);
}

function tooLong(path: string, found: string, expected: number): UserError {
  return new UserError(
    `${path}: ${found}, expected ${expected} bytes by its header; the file is damaged, get it again`,
  );
}

function gzipError(path: string, error: unknown, expected = 0): UserError {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ERR_BUFFER_TOO_LARGE") return tooLong(path, "more than that after decompression", expected);
  if (code === "Z_BUF_ERROR") {
    return new UserError(`${path}: truncated: the gzip data ends early; get the file again`, {
      cause: error,
    });
  }
  return new UserError(`${path}: the gzip data is damaged (${message}); get the file again`, {
    cause: error,
  });
}
