export {
  CONVOLUTION_FORMS,
  type ConvolutionForm,
  type ConvolutionShape,
  type FormChoice,
  type MeasuredChoice,
  parseFormTable,
  serializeFormTable,
  shapeKey,
} from "./convolution-forms.js";
export * from "./errors.js";
export * from "./file-error.js";
export * from "./half.js";
export * from "./image-noise.js";
export * from "./initialise.js";
export * as jsonReader from "./json-reader.js";
export * from "./manifest.js";
export * from "./nearest.js";
export * from "./network-call.js";
export { normalsFromWords } from "./normal.js";
export * from "./parse-manifest.js";
export { PHILOX_WORDS, philoxFill } from "./philox.js";
export * from "./pixels.js";
export * from "./prediction.js";
export * from "./safetensors.js";
export {
  SAFETENSORS_DTYPE,
  SAFETENSORS_ITEM_BYTES,
  type SafetensorsDType,
  type SafetensorsLayout,
  type SafetensorsPlace,
  type SafetensorsSpec,
  safetensorsLayout,
} from "./safetensors-layout.js";
export * from "./samplers/index.js";
export * from "./schedule.js";
export * from "./serialize-manifest.js";
export * from "./state-dict.js";
export {
  fillInts,
  fillNormals,
  fillUniform,
  PURPOSES,
  type Purpose,
  permutation,
  type Stream,
} from "./stream.js";
export * from "./table.js";
export * from "./timesteps.js";
