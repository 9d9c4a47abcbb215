/** Training, checkpoints, export and sampling of emitted models with stock ONNX Runtime, for use from a program. */

export { type Asker, checkFile, checkGraphs, type ModelFolder, readModelFolder } from "./artifacts.js";
export { type Checkpoint, type DecodedCheckpoint, decodeCheckpoint, encodeCheckpoint } from "./checkpoint.js";
export {
  type CheckpointFile,
  type FoundCheckpoint,
  listCheckpoints,
  newestCheckpoint,
} from "./checkpoints.js";
export {
  type Configuration,
  type ConfigurationChoices,
  configurationOf,
  differences,
} from "./configuration.js";
export type { Progress, Remote } from "./data/download.js";
export {
  type Fetchable,
  type FetchEvent,
  type FetchOptions,
  fetchDataset,
  type Source,
} from "./data/fetching.js";
export {
  DATASETS,
  type Dataset,
  type DatasetEntry,
  type LoadOptions,
  loadDataset,
  type Split,
} from "./data/index.js";
export { DEVICES, type Device, type DeviceChoice } from "./device-names.js";
export type { LrScheduler } from "./learning-rate.js";
export { runTrainer } from "./main.js";
export { type Metric, readMetrics } from "./metrics.js";
export { type RunFolder, runFolder } from "./run-folder.js";
export type { State, StateArray } from "./state.js";
export { TRAIN_DEFAULTS } from "./train-defaults.js";
