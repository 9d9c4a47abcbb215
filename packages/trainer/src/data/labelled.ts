/** From labelled images as a file holds them to a data set in the shape that a network takes. */

import { setImmediate as nextTurn } from "node:timers/promises";
import { UserError } from "@onnx-diffusion/diffusion";
import type { Dataset, LoadOptions } from "./dataset.js";
import { planesDataset } from "./planes.js";
import { resizePlanes } from "./resize.js";

/** Labelled images of one shape. */
export interface Labelled {
  /** uint8 [count,channels,height,width]; one channel is grey, three are red, green, blue. */
  readonly pixels: Uint8Array;
  /** uint8 [count]. */
  readonly labels: Uint8Array;
  readonly channels: 1 | 3;
  readonly height: number;
  readonly width: number;
  readonly classNames: readonly string[];
}

/**
 * Reads images and fits them to the network: colour to grey or grey to three equal planes, and the size.
 *
 * @param read Reads and checks the files.
 * @throws UserError for a network that takes neither 1 nor 3 channels.
 * @throws the signal's reason when it is aborted.
 */
export async function loadLabelled(
  name: string,
  options: LoadOptions,
  read: (options: LoadOptions) => Promise<Labelled>,
): Promise<Dataset> {
  const { height, width, channels, signal, onProgress } = options;
  if (channels !== 1 && channels !== 3) {
    throw new UserError(
      `${name}: the network takes ${channels} channels, images have 1 (grey) or 3 (red, green, blue); ` +
        "emit the network with 1 or 3 channels",
    );
  }
  // The parts take about 2 : 5 : 2 of the time. Between them other work of the thread gets its turn, an abort too.
  const progress = async (done: number) => {
    onProgress?.(done, 9);
    await nextTurn();
    signal?.throwIfAborted();
  };
  await progress(0);
  const raw = await read({ ...options, onProgress: (done, total) => onProgress?.((2 * done) / total, 9) });
  await progress(2);
  // Grey before resizing: a third of the work.
  const fewer = channels < raw.channels ? greyPlanes(raw) : raw.pixels;
  const planes = resizePlanes(fewer, raw, { height, width });
  await progress(7);
  const { labels, classNames } = raw;
  const dataset = planesDataset({ name, channels, height, width, classNames, planes, labels });
  await progress(9);
  return dataset;
}

/** ITU-R BT.601 luma, rounded, as torchvision's `Grayscale` weighs the colours. [count,3,H,W] to [count,1,H,W]. */
function greyPlanes({ pixels, height, width }: Labelled): Uint8Array {
  const area = height * width;
  const grey = new Uint8Array(pixels.length / 3);
  for (let i = 0; i < grey.length; i++) {
    const red = Math.floor(i / area) * 3 * area + (i % area);
    grey[i] = Math.round(
      0.299 * pixels[red]! + 0.587 * pixels[red + area]! + 0.114 * pixels[red + 2 * area]!,
    );
  }
  return grey;
}
