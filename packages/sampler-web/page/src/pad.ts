/** Where the visitor draws. */
import { fromGrey, paint, pictureCanvas, SIDE, type Values } from "./picture.js";

/** The pen is as wide as MNIST's, of 32 pixels about 2.6. */
const PEN = 2.6 / SIDE;

/** White on black, by mouse, pen or finger. */
export class Pad {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  #empty = true;

  /** @param onDrawn called after each stroke. */
  constructor(canvas: HTMLCanvasElement, onDrawn: () => void) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { willReadFrequently: true })!;
    Object.assign(this.#context, { lineCap: "round", lineJoin: "round", strokeStyle: "#fff" });
    this.clear();
    let last: PointerEvent | undefined;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.#empty = false;
      this.#line(event, event);
      last = event;
    });
    canvas.addEventListener("pointermove", (event) => {
      if (last === undefined || event.pointerId !== last.pointerId) return;
      // A quick hand moves several times between two frames, which not all browsers tell.
      const moves = (event as Partial<PointerEvent>).getCoalescedEvents?.call(event) ?? [];
      for (const move of moves.length > 0 ? moves : [event]) {
        this.#line(last, move);
        last = move;
      }
    });
    for (const end of ["pointerup", "pointercancel"] as const) {
      canvas.addEventListener(end, () => {
        last = undefined;
        onDrawn();
      });
    }
  }

  get empty(): boolean {
    return this.#empty;
  }

  #line(from: PointerEvent, to: PointerEvent): void {
    const { left, top, width } = this.#canvas.getBoundingClientRect();
    const scale = this.#canvas.width / width;
    const context = this.#context;
    context.lineWidth = PEN * this.#canvas.width;
    context.beginPath();
    context.moveTo((from.clientX - left) * scale, (from.clientY - top) * scale);
    context.lineTo((to.clientX - left) * scale, (to.clientY - top) * scale);
    context.stroke();
  }

  clear(): void {
    this.#context.fillStyle = "#000";
    this.#context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
    this.#empty = true;
  }

  /** Puts a picture there. */
  put(values: Values): void {
    const small = pictureCanvas("");
    paint(small, values);
    this.#context.imageSmoothingQuality = "high";
    this.#context.drawImage(small, 0, 0, this.#canvas.width, this.#canvas.height);
    this.#empty = false;
  }

  /** What is there, as the model has it. */
  read(): Values {
    const small = document.createElement("canvas");
    small.width = SIDE;
    small.height = SIDE;
    const context = small.getContext("2d")!;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.#canvas, 0, 0, SIDE, SIDE);
    const { data } = context.getImageData(0, 0, SIDE, SIDE);
    return fromGrey(Array.from({ length: SIDE * SIDE }, (_, i) => data[4 * i]!));
  }
}
