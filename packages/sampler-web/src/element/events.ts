/** What the element tells the page. As with `<img>` and `<video>`, none of it bubbles. */
import type { Images } from "../images.js";
import type { SampleStep } from "../sampling.js";

/** What was drawn, and how fast. */
export interface DrawnDetail {
  readonly images: Images;
  readonly seed: number;
  /** Of each picture; empty for a model without classes. */
  readonly labels: readonly number[];
  /** Evaluations of the network. */
  readonly steps: number;
  /** Without pauses. */
  readonly seconds: number;
}

/**
 * - `load`: the model is there; `loaded` has it.
 * - `progress`: bytes of the model or of ONNX Runtime have come.
 * - `step`: a step is done; `detail.images` is as it stands.
 * - `done`: the pictures are drawn. They may still be on their way to the eye.
 * - `error`: `error.code` says what is wrong; the element says it as well.
 * - `change`: the visitor has picked a class, a seed or a number of steps. The attributes have it.
 */
export interface DiffusionSamplerEventMap {
  load: Event;
  progress: ProgressEvent;
  step: CustomEvent<SampleStep>;
  done: CustomEvent<DrawnDetail>;
  error: ErrorEvent;
  change: Event;
}
