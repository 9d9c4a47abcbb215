/** Where the work can run; `auto` takes cuda, or else the CPU. */
export const DEVICES = ["auto", "cpu", "cuda", "webgpu"] as const;
/** What `--device` takes. */
export type DeviceChoice = (typeof DEVICES)[number];
/** Where the work runs: a provider of ONNX Runtime. */
export type Device = Exclude<DeviceChoice, "auto">;
