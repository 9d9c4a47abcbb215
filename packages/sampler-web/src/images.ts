/** Images, in the forms that a page draws. */
import { type Manifest, toPixels } from "@onnx-diffusion/diffusion";

/** A batch of images. */
export class Images {
  readonly count: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** The values that mean black and white. */
  readonly range: readonly [number, number];
  /** [count, channels, height, width], as the sampler left it: values may lie beyond the range. */
  readonly x: Float32Array<ArrayBuffer>;

  constructor(x: Float32Array<ArrayBuffer>, { channels, height, width, range }: Manifest["image"]) {
    this.x = x;
    this.count = x.length / (channels * height * width);
    this.channels = channels;
    this.height = height;
    this.width = width;
    this.range = range;
  }

  /** uint8 [count, channels, height, width]: clamped to the range, 0..255, rounded. */
  pixels(): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(this.x.length);
    toPixels(this.x, this.range, out);
    return out;
  }

  /**
   * One image for `putImageData`. One channel is grey, three are red, green and blue.
   *
   * @param index 0..count-1.
   * @throws RangeError if there is no such image.
   */
  imageData(index: number): ImageData {
    if (!Number.isInteger(index) || index < 0 || index >= this.count) {
      throw new RangeError(`image: found ${index}, expected an integer in 0..${this.count - 1}`);
    }
    const { channels, height, width, range } = this;
    const area = height * width;
    const planes = new Uint8Array(channels * area);
    toPixels(this.x.subarray(index * planes.length, (index + 1) * planes.length), range, planes);
    const data = new Uint8ClampedArray(area * 4);
    const [red, green, blue] = channels >= 3 ? [0, area, 2 * area] : [0, 0, 0];
    for (let i = 0; i < area; i++) {
      data[4 * i] = planes[red + i]!;
      data[4 * i + 1] = planes[green + i]!;
      data[4 * i + 2] = planes[blue + i]!;
      data[4 * i + 3] = 255;
    }
    return new ImageData(data, width, height);
  }

  /** One image for `drawImage`. @throws RangeError as {@link Images.imageData}. */
  async imageBitmap(index: number): Promise<ImageBitmap> {
    return createImageBitmap(this.imageData(index));
  }
}
