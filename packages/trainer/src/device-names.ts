/** Where the work can run; `auto` takes cuda, or else the CPU. */
export const DEVICES = ["auto", "cpu", "cuda", "webgpu"] as const;
export type DeviceChoice = (typeof DEVICES)[number];
export type Device = Exclude<DeviceChoice, "auto">;
