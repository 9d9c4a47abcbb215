/** What the element says, to be seen and to be heard. */
import type { DeviceChoice } from "../device.js";
import type { LoadProgress } from "../model.js";
import type { DrawnDetail } from "./events.js";

/** Devices as people know them. */
const DEVICES = { webgpu: "WebGPU", wasm: "WebAssembly" } as const satisfies Record<
  DeviceChoice["device"],
  string
>;

/** "Loading: 3.1 of 24.6 MB" */
export function loadingWords({ loaded, total }: LoadProgress): string {
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  if (total === 0) return "Loading the model";
  // The bytes are there, and ONNX Runtime reads them.
  if (loaded === total) return "Preparing the model";
  return `Loading: ${megabytes(loaded)} of ${megabytes(total)} MB`;
}

/** "10 pictures in 1.9 s on WebAssembly, 26 steps/s" */
export function drawnWords({ images, steps, seconds }: DrawnDetail, device: DeviceChoice["device"]): string {
  const { count } = images;
  const pictures = count === 1 ? "1 picture" : `${count} pictures`;
  const speed = steps / seconds;
  const rate = speed >= 10 ? Math.round(speed) : speed.toFixed(1);
  return `${pictures} in ${seconds.toFixed(1)} s on ${DEVICES[device]}, ${rate} steps/s`;
}

/** What each picture is called: "Picture 4: 3", or "Picture 4" where there are no classes. */
export function pictureNames(
  count: number,
  labels: readonly number[],
  classNames: readonly string[],
): string[] {
  return Array.from({ length: count }, (_, i) => {
    const label = labels[i];
    return label === undefined ? `Picture ${i + 1}` : `Picture ${i + 1}: ${classNames[label] ?? label}`;
  });
}
