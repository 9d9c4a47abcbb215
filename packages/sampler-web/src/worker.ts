/** The worker: an engine that is spoken to by messages. */
import { LocalEngine } from "./engine.js";
import { asSamplerError } from "./errors.js";
import type { FromWorker, LoadResult, ToWorker } from "./protocol.js";

const engine = new LocalEngine();
const running = new Map<number, AbortController>();

/** A page's `postMessage` has other arguments than a worker's, and the compiler knows the page's. */
const post = postMessage as (message: FromWorker, transfer?: Transferable[]) => void;

addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === "abort") running.get(data.id)?.abort();
  else void answer(data);
});

async function answer(message: Exclude<ToWorker, { type: "abort" }>): Promise<void> {
  const { id } = message;
  const controller = new AbortController();
  running.set(id, controller);
  try {
    const value = await work(message, controller.signal);
    post({ type: "done", id, value }, value instanceof Float32Array ? [value.buffer] : []);
  } catch (error) {
    const { code, problem, remedy } = asSamplerError(error, "the sampler's worker");
    post({ type: "failed", id, error: { code, problem, remedy } });
  } finally {
    running.delete(id);
  }
}

function work(
  message: Exclude<ToWorker, { type: "abort" }>,
  signal: AbortSignal,
): Promise<LoadResult | Float32Array<ArrayBuffer>> {
  const { id } = message;
  if (message.type === "load") {
    return engine.load(message.request, signal, (value) => post({ type: "progress", id, value }));
  }
  return engine.draw(message.request, signal, (value) =>
    post({ type: "step", id, value }, value.x ? [value.x.buffer] : []),
  );
}
