import { shareLine } from "../progress.js";
import { type DrawOptions, type DrawProgress, drawImages } from "../sampling.js";
import type { Terminal } from "../terminal.js";

/** Draws images and shows how far it is. @returns uint8 [N,C,H,W]. */
export async function draw(options: DrawOptions, terminal: Terminal): Promise<Uint8Array<ArrayBuffer>> {
  return await shown(`drawing ${options.count} images`, drawImages(options), terminal);
}

/** Does some work and shows how far it is. @returns what comes of it. */
export async function shown<Result>(
  what: string,
  work: AsyncGenerator<DrawProgress, Result, undefined>,
  terminal: Terminal,
): Promise<Result> {
  try {
    let next = await work.next();
    while (next.done !== true) {
      const { done, total } = next.value;
      terminal.show(shareLine(what, done / total, terminal.columns));
      next = await work.next();
    }
    return next.value;
  } finally {
    terminal.clear();
  }
}
