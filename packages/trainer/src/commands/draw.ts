import { shareLine } from "../progress.js";
import { type DrawOptions, drawImages } from "../sampling.js";
import type { Terminal } from "../terminal.js";

/** Draws images and shows how far it is. @returns uint8 [N,C,H,W]. */
export async function draw(options: DrawOptions, terminal: Terminal): Promise<Uint8Array<ArrayBuffer>> {
  const work = drawImages(options);
  let next = await work.next();
  while (next.done !== true) {
    const { done, total } = next.value;
    terminal.show(shareLine(`drawing ${options.count} images`, done / total, terminal.columns));
    next = await work.next();
  }
  return next.value;
}
