/** A worker thread that talks in typed messages and always ends by itself. */

import { type MessagePort, type TransferListItem, Worker } from "node:worker_threads";
import { errorOf, type Failure } from "./workers/messages.js";

export interface Thread<Command> {
  post(command: Command, transfer?: readonly TransferListItem[]): void;
  /** Resolves when the thread has ended. Never rejects. */
  readonly ended: Promise<void>;
}

export interface ThreadOptions<Report> {
  /** The file beside this one's folder `workers`. */
  readonly file: "batch-worker.js" | "training-worker.js" | "saving-worker.js" | "picture-worker.js";
  readonly workerData: object;
  /** Ports in `workerData`. */
  readonly ports: readonly MessagePort[];
  readonly onReport: (report: Report) => void;
  /** Called at most once, with what the thread reported or threw. */
  readonly onFailure: (error: Error) => void;
}

/**
 * Starts a thread. It is never terminated from outside: ONNX Runtime's native code aborts the whole process when its
 * thread ends within a run. To end one, tell it so, and wait for `ended`.
 */
export function startThread<Command, Report extends { readonly type: string }>(
  options: ThreadOptions<Report>,
): Thread<Command> {
  const { workerData, ports, onReport } = options;
  let failed = false;
  const fail = (error: Error) => {
    if (!failed) options.onFailure(error);
    failed = true;
  };
  const worker = new Worker(new URL(`./workers/${options.file}`, import.meta.url), {
    workerData,
    transferList: [...ports],
  });
  worker.on("message", (message: Report | Failure) => {
    if (isFailure(message)) fail(errorOf(message));
    else onReport(message);
  });
  worker.on("error", fail);
  const ended = new Promise<void>((resolve) => {
    worker.on("exit", () => resolve());
  });
  return { post: (command, transfer = []) => worker.postMessage(command, transfer), ended };
}

function isFailure(message: { readonly type: string }): message is Failure {
  return message.type === "failed";
}
