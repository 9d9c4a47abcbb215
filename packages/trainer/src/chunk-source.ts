/** The training worker's end of the port to the batch worker: chunks in order, some of them made ahead. */

import type { MessagePort } from "node:worker_threads";
import type { Chunk } from "./batches.js";
import type { PlanOptions } from "./plan.js";
import type { ChunkRequest } from "./workers/messages.js";

/** Chunks that are being made or wait while one is in use. */
const AHEAD = 2;

export interface ChunkSource {
  /** The next chunk; undefined when the batch worker has ended. */
  next(): Promise<Chunk | undefined>;
}

export function openChunkSource(port: MessagePort, plan: PlanOptions): ChunkSource {
  const ready: Chunk[] = [];
  let closed = false;
  let wake: (() => void) | undefined;
  const notify = () => {
    wake?.();
    wake = undefined;
  };
  port.on("message", (chunk: Chunk) => {
    ready.push(chunk);
    notify();
  });
  port.on("close", () => {
    closed = true;
    notify();
  });
  const request = (message: ChunkRequest) => port.postMessage(message);
  request({ type: "begin", plan });
  for (let i = 1; i < AHEAD; i++) request({ type: "more" });

  return {
    async next() {
      while (ready.length === 0 && !closed) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const chunk = ready.shift();
      if (chunk !== undefined) request({ type: "more" });
      return chunk;
    },
  };
}
