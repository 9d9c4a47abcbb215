/** The worker: an engine that is spoken to by messages. */
import { LocalEngine } from "./engine.js";
import { asSamplerError } from "./errors.js";
import { Gate } from "./gate.js";
import type { FromWorker, LoadResult, ToWorker } from "./protocol.js";

/** A page's `postMessage` has other arguments than a worker's, and the compiler knows the page's. */
const post = postMessage as (message: FromWorker, transfer?: Transferable[]) => void;

const engine = new LocalEngine(({ code, problem, remedy }) =>
  post({ type: "ended", error: { code, problem, remedy } }),
);
const running = new Map<number, { readonly controller: AbortController; readonly gate: Gate }>();

addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === "load" || data.type === "draw") void answer(data);
  else if (data.type === "hold") running.get(data.id)?.gate.close();
  else {
    running.get(data.id)?.gate.open();
    if (data.type === "abort") running.get(data.id)?.controller.abort();
  }
});

/** A request for work. */
type Question = Extract<ToWorker, { request: unknown }>;

async function answer(message: Question): Promise<void> {
  const { id } = message;
  const controller = new AbortController();
  const gate = new Gate();
  running.set(id, { controller, gate });
  try {
    const value = await work(message, controller.signal, gate);
    post({ type: "done", id, value }, value instanceof Float32Array ? [value.buffer] : []);
  } catch (error) {
    const { code, problem, remedy } = asSamplerError(error, "the sampler's worker");
    post({ type: "failed", id, error: { code, problem, remedy } });
  } finally {
    running.delete(id);
  }
}

function work(
  message: Question,
  signal: AbortSignal,
  gate: Gate,
): Promise<LoadResult | Float32Array<ArrayBuffer>> {
  const { id } = message;
  if (message.type === "load") {
    return engine.load(message.request, signal, (value) => post({ type: "progress", id, value }));
  }
  return engine.draw(message.request, signal, (value) => {
    post({ type: "step", id, value }, value.x ? [value.x.buffer] : []);
    return gate.passage;
  });
}
