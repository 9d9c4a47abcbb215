/** Training, checkpoints, export and sampling of emitted models with stock ONNX Runtime, for use from a program. */

export { checkFile, checkGraphs, type ModelFolder, readModelFolder } from "./artifacts.js";
export { decodeCheckpoint, encodeCheckpoint } from "./checkpoint.js";
export { listCheckpoints, newestCheckpoint } from "./checkpoints.js";
export { type Configuration, configurationOf, differences } from "./configuration.js";
export { DATASETS, type Dataset, loadDataset } from "./data/index.js";
export type { Device, DeviceChoice } from "./device-names.js";
export { runTrainer } from "./main.js";
export { type Metric, readMetrics } from "./metrics.js";
export { type RunFolder, runFolder } from "./run-folder.js";
export { TRAIN_DEFAULTS } from "./train-defaults.js";
