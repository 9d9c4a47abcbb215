/** Every form of a trained model. A new one is its line here and in names.ts, and a file beside this. */

import type { Form } from "./form.js";
import { fp16 } from "./fp16.js";
import { fp16Weights } from "./fp16-weights.js";
import { huggingface } from "./huggingface.js";
import { int8Weights } from "./int8-weights.js";
import type { FormName } from "./names.js";
import { onnx } from "./onnx.js";
import { sampler } from "./sampler.js";
import { single } from "./single.js";
import { stateDict } from "./state-dict.js";

/** The forms by the names that `--as` takes. */
export const FORMS: Readonly<Record<FormName, Form>> = {
  onnx,
  single,
  "fp16-weights": fp16Weights,
  fp16,
  "int8-weights": int8Weights,
  "state-dict": stateDict,
  huggingface,
  sampler,
};
