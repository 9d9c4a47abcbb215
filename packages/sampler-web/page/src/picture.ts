/** Pictures of the model's kind: [3,32,32], -1 black to 1 white. */
import { make } from "./dom.js";

/** Pixels on a side. */
export const SIDE = 32;
/** Values of a picture. */
export const SIZE = 3 * SIDE * SIDE;

/** Values of one picture or more, one after the other. */
export type Values = Float32Array<ArrayBuffer>;

/** The picture of that number among several. */
export const pictureOf = (values: Values, index: number): Values =>
  values.subarray(index * SIZE, (index + 1) * SIZE);

/** Paints a picture. */
export function paint(canvas: HTMLCanvasElement, values: Values): void {
  const area = SIDE * SIDE;
  const picture = new ImageData(SIDE, SIDE);
  // ImageData clamps.
  const byte = (value: number) => (value + 1) * 127.5;
  for (let i = 0; i < area; i++) {
    picture.data[4 * i] = byte(values[i]!);
    picture.data[4 * i + 1] = byte(values[area + i]!);
    picture.data[4 * i + 2] = byte(values[2 * area + i]!);
    picture.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d")!.putImageData(picture, 0, 0);
}

/** A canvas for one picture, with what it is called. */
export function pictureCanvas(name: string): HTMLCanvasElement {
  const canvas = make("canvas", { width: SIDE, height: SIDE });
  canvas.setAttribute("role", "img");
  canvas.ariaLabel = name;
  return canvas;
}

/** A grey picture [32,32] in 0..255 as the model has it. */
export function fromGrey(grey: ArrayLike<number>): Values {
  const area = SIDE * SIDE;
  return Float32Array.from({ length: SIZE }, (_, i) => grey[i % area]! / 127.5 - 1);
}
