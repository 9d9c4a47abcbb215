/** The steps of a drawing as pictures, to be shown at the pace of the eye and looked through afterwards. */
import type { Images } from "../images.js";

/** The state after a step. */
interface Frame {
  readonly step: number;
  readonly pictures: readonly ImageData[];
}

/** Milliseconds that a drawing takes to be shown, if it was not slower. */
const SHOWN_IN = 2000;
/** No frame is shown for less, in milliseconds: the eye sees no more. */
const SHORTEST = 25;
/** Bytes and frames that a film takes at most; of longer drawings, steps at equal distances are kept. */
const MOST_BYTES = 48e6;
const MOST_FRAMES = 120;

/** Keeps frames as they come, and says which is to be seen. */
export class Film {
  readonly steps: number;
  readonly #frames: Frame[] = [];
  #at = -1;
  /** When the frame that is seen was first seen, in milliseconds. */
  #since = 0;

  constructor(steps: number) {
    this.steps = steps;
  }

  /** Keeps a step, if it is one of those that are kept. */
  add(step: number, images: Images): void {
    const bytes = images.count * images.height * images.width * 4;
    const most = Math.max(2, Math.min(MOST_FRAMES, Math.floor(MOST_BYTES / bytes)));
    const stride = Math.ceil(this.steps / most);
    if (step % stride !== 0 && step !== this.steps) return;
    const pictures = Array.from({ length: images.count }, (_, i) => images.imageData(i));
    this.#frames.push({ step, pictures });
  }

  /** The frame that is seen, if any. */
  get frame(): Frame | undefined {
    return this.#frames[this.#at];
  }

  /** Whether the last step is seen. */
  get ended(): boolean {
    return this.frame?.step === this.steps;
  }

  /** Whether there is a frame after the one that is seen. */
  get more(): boolean {
    return this.#at + 1 < this.#frames.length;
  }

  /** Goes on to the next frame, if there is one and its time has come. @returns whether it did. */
  advance(now: number): boolean {
    const pace = Math.max(SHORTEST, SHOWN_IN / Math.min(this.steps, MOST_FRAMES));
    if (!this.more || now - this.#since < pace) return false;
    this.#at++;
    this.#since = now;
    return true;
  }

  /** Goes to the frame of a step, or the one before it that was kept. */
  seek(step: number): void {
    this.#at = Math.max(
      0,
      this.#frames.findLastIndex((frame) => frame.step <= step),
    );
  }

  /** Goes to the newest frame. */
  seekEnd(): void {
    this.#at = this.#frames.length - 1;
  }

  /** Goes back to before the first. */
  rewind(): void {
    this.#at = -1;
  }
}
