/** ONNX Runtime's own file, kept as a model's are: the second visit fetches it neither, whatever the server says. */
import { openCache } from "./download.js";

const PREFIX = "https://onnx-diffusion.invalid/onnxruntime-web/";

let keeping: Promise<void> = Promise.resolve();

/** Resolves when what was fetched has been put away, which a worker may not live to see. */
export const runtimeFileKept = (): Promise<void> => keeping;

/**
 * Has this thread's `fetch` keep the file, which ONNX Runtime fetches by itself. For workers, where nobody else fetches.
 *
 * @param version of ONNX Runtime: its files have the same names in each.
 * @param onBytes called as bytes of the file come, from the network or the cache.
 */
export function keepRuntimeFile(version: string, onBytes: (bytes: number) => void): void {
  const { fetch } = globalThis;
  globalThis.fetch = async (input, init) => {
    const { pathname } = new URL(input instanceof Request ? input.url : input, location.href);
    const name = /[^/]*\.wasm$/.exec(pathname)?.[0];
    if (name === undefined) return fetch(input, init);
    const cache = await openCache();
    const key = `${PREFIX}${version}/${name}`;
    const kept = await cache?.match(key).catch(() => undefined);
    if (kept !== undefined) return counted(kept, onBytes);
    const response = await fetch(input, init);
    if (response.ok && cache !== undefined) keeping = keep(cache, key, response.clone());
    return counted(response, onBytes);
  };
}

/** The response, whose reader's progress is told. */
function counted(response: Response, onBytes: (bytes: number) => void): Response {
  if (!response.ok || response.body === null) return response;
  const counter = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      onBytes(chunk.byteLength);
      controller.enqueue(chunk);
    },
  });
  // Compiled while it comes, where the type says what it is. Its length is that of the compressed bytes, if any.
  const headers = { "content-type": response.headers.get("content-type") ?? "application/wasm" };
  return new Response(response.body.pipeThrough(counter), { headers });
}

/** Puts the file in place of former versions'. A full disk must not keep anyone from sampling. */
async function keep(cache: Cache, key: string, response: Response): Promise<void> {
  try {
    const version = key.slice(0, key.lastIndexOf("/") + 1);
    for (const { url } of await cache.keys()) {
      if (url.startsWith(PREFIX) && !url.startsWith(version)) await cache.delete(url);
    }
    await cache.put(key, response);
  } catch {}
}
