/** The thread that reads the data set and makes batches ahead of the training worker. */

import type { MessagePort } from "node:worker_threads";
import { parentPort, workerData } from "node:worker_threads";
import { UserError } from "@onnx-diffusion/diffusion";
import { batchMaker } from "../batches.js";
import { type Dataset, loadDataset } from "../data/index.js";
import { type ChunkRange, planChunks } from "../plan.js";
import {
  type BatchCommand,
  type BatchReport,
  type BatchWorkerData,
  type ChunkRequest,
  failureOf,
  type RealImages,
} from "./messages.js";

const main = parentPort!;
const data = workerData as BatchWorkerData;
const report = (message: BatchReport) => main.postMessage(message);

const abort = new AbortController();
main.on("message", (_: BatchCommand) => abort.abort());

try {
  const { channels, height, width } = data.manifest.image;
  const dataset = await loadDataset(data.data, {
    ...(data.dataDir === undefined ? {} : { dataDir: data.dataDir }),
    split: "train",
    channels,
    height,
    width,
    signal: abort.signal,
    onProgress: (done, total) => report({ type: "loading", done, total }),
    onWarning: (text) => report({ type: "warning", text }),
  });
  abort.signal.throwIfAborted();
  const { count, digest, classes, classNames } = dataset;
  if (data.manifest.classes > 0 && classes < 2) {
    throw new UserError(
      `--data ${data.data}: it has one class, the network is told classes; ` +
        "put the images of each class into a subfolder of its own, or train a network without classes, such as unet",
    );
  }
  if (data.manifest.classes > 0 && classes > data.manifest.classes) {
    throw new UserError(
      `--data ${data.data}: it has ${classes} classes, the network takes ${data.manifest.classes}; ` +
        `emit the network with --option classes=${classes}`,
    );
  }
  report({ type: "data", count, digest, classNames, real: realImages(dataset, data) });
  await serve(data.port, batchMaker(data.manifest, dataset, data));
} catch (error) {
  if (!abort.signal.aborted) report(failureOf(error));
} finally {
  data.port.close();
  main.close();
}

/** Answers requests until the other side closes the port or the main thread says stop. */
function serve(port: MessagePort, make: ReturnType<typeof batchMaker>): Promise<void> {
  return new Promise((resolve, reject) => {
    let chunks: Iterator<ChunkRange> | undefined;
    port.on("message", (request: ChunkRequest) => {
      try {
        if (request.type === "begin") chunks = planChunks(request.plan);
        const next = chunks?.next();
        if (next === undefined || next.done === true) return;
        const chunk = make(next.value);
        const { images, timestep, noise, labels } = chunk;
        port.postMessage(chunk, [images.buffer, timestep.buffer, noise.buffer, labels.buffer]);
      } catch (error) {
        reject(error);
      }
    });
    port.on("close", resolve);
    abort.signal.addEventListener("abort", () => resolve());
  });
}

/** The first images of the data set with the wanted labels, in the order wanted. */
function realImages(dataset: Dataset, { manifest, wanted }: BatchWorkerData): RealImages {
  const all = Uint32Array.from({ length: dataset.count }, (_, i) => i);
  const labels = new Int32Array(dataset.count);
  dataset.labels(all, labels);
  const taken = new Map<number, number>();
  const indices = Array.from({ length: wanted.count }, (_, i) => {
    const label = wanted.labels[i];
    if (label === undefined) return i % dataset.count;
    const found = labels.indexOf(label, taken.get(label) ?? 0);
    taken.set(label, found + 1);
    // a data set that has too few of a label shows its first image instead
    return Math.max(0, found);
  });
  const { channels, height, width } = manifest.image;
  const images = new Uint8Array(indices.length * channels * height * width);
  dataset.images(Uint32Array.from(indices), images);
  return { images, count: indices.length };
}
