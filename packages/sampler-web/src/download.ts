/** Files that are what the manifest says, from the cache or the network. */
import { aborted, checkAborted, SamplerError } from "./errors.js";
import { fileLabel, type ModelSource, offline, openFile } from "./model-source.js";

/** A cache's name; its entries have the content's digest as their address, so models share what they have in common. */
const CACHE = "onnx-diffusion-1";

/** A file by what it holds. */
export interface WantedFile {
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** What a download tells and listens to. */
export interface DownloadOptions {
  readonly signal: AbortSignal | undefined;
  /** Called with the bytes that have come since the last call. */
  readonly onBytes: (bytes: number) => void;
}

/**
 * A file's bytes, checked. What was checked once is kept in the Cache API, where the browser has it.
 *
 * @throws SamplerError `digest` if the bytes are others than the manifest's; or as `openFile` does.
 */
export async function download(
  source: ModelSource,
  file: WantedFile,
  { signal, onBytes }: DownloadOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  checkAborted(signal);
  const cache = await openCache();
  const key = `https://onnx-diffusion.invalid/sha256/${file.sha256}`;
  const kept = await cache?.match(key).catch(() => undefined);
  if (kept !== undefined) {
    const bytes = new Uint8Array(await kept.arrayBuffer());
    if ((await sha256(bytes)) === file.sha256) {
      onBytes(bytes.byteLength);
      return bytes;
    }
    await cache?.delete(key);
  }
  const label = fileLabel(source, file.name);
  const { stream } = await openFile(source, file.name, signal);
  const bytes = await readAll(stream, { label, expected: file.bytes, signal, onBytes });
  const found = await sha256(bytes);
  if (found !== file.sha256) throw wrongDigest(label, `SHA-256 ${found}`, file.sha256);
  // A full disk or a private window must not keep anyone from sampling.
  await cache?.put(key, new Response(bytes)).catch(() => undefined);
  return bytes;
}

/** The manifest's text: the network's, or the last one that came from there where the network is away. */
export async function downloadManifest(
  source: ModelSource,
  signal: AbortSignal | undefined,
): Promise<string> {
  checkAborted(signal);
  const label = fileLabel(source, "manifest.json");
  const cache = source instanceof URL ? await openCache() : undefined;
  try {
    const { stream } = await openFile(source, "manifest.json", signal);
    const bytes = await readAll(stream, { label, signal });
    await cache?.put(label, new Response(bytes)).catch(() => undefined);
    return new TextDecoder().decode(bytes);
  } catch (error) {
    const kept =
      error instanceof SamplerError && error.code === "offline"
        ? await cache?.match(label).catch(() => undefined)
        : undefined;
    if (kept === undefined) throw error;
    return kept.text();
  }
}

/** The Cache API is absent from pages without TLS, and refuses in some private windows. */
export async function openCache(): Promise<Cache | undefined> {
  return globalThis.caches?.open(CACHE).catch(() => undefined);
}

interface ReadOptions {
  readonly label: string;
  /** Bytes in all; fewer or more are an error. */
  readonly expected?: number;
  readonly signal: AbortSignal | undefined;
  readonly onBytes?: (bytes: number) => void;
}

async function readAll(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  { label, expected, signal, onBytes }: ReadOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  const reader = stream.getReader();
  try {
    for (;;) {
      checkAborted(signal);
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      length += value.byteLength;
      if (length > (expected ?? length)) throw wrongDigest(label, `more than ${expected} bytes`, undefined);
      onBytes?.(value.byteLength);
    }
  } catch (cause) {
    await reader.cancel().catch(() => undefined);
    if (cause instanceof SamplerError) throw cause;
    throw signal?.aborted ? aborted(signal.reason) : offline(label, cause);
  }
  if (length < (expected ?? length)) throw wrongDigest(label, `${length} of ${expected} bytes`, undefined);
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

function wrongDigest(label: string, found: string, expected: string | undefined): SamplerError {
  const wanted = expected === undefined ? "the size that the manifest says" : `SHA-256 ${expected}`;
  return new SamplerError({
    code: "digest",
    problem: `${label}: found ${found}, expected ${wanted}`,
    remedy: "upload the whole model folder again: the file is damaged or of another model",
  });
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  if (globalThis.crypto?.subtle === undefined) {
    throw new SamplerError({
      code: "insecure",
      problem: "this page was served without TLS, where the browser checks no digests",
      remedy: "serve it by https, or from localhost",
    });
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
