import { type Prediction, scheduleOf } from "@onnx-diffusion/diffusion";
import { type Model, type ModelInitializer, writeOnnx } from "@onnx-diffusion/graph-builder";
import type { Form, FormSource } from "./form.js";
import { asFloat32, node, storeWeights } from "./store-weights.js";

const FOLDER = "unet";
const DATA = "model.onnx.safetensors";

/**
 * Laid out like a repository of diffusers: `unet`, `scheduler`. diffusers counts timesteps from 0 where this project
 * counts from 1, so the graph adds the 1; its scheduler's betas give the same noise levels.
 */
export const huggingface: Form = {
  isModelFolder: false,
  files(source) {
    const { model, bytes } = storeWeights(source, DATA, asFloat32);
    return [
      {
        name: `${FOLDER}/model.onnx`,
        bytes: writeOnnx(source.manifest.timestep ? countedFromZero(model) : model),
        what: `the network; ${inputsOf(source)} -> \`out_sample\`, the predicted noise`,
      },
      { name: `${FOLDER}/${DATA}`, bytes, what: "its weights, as external data; PyTorch's names" },
      {
        name: "config.json",
        bytes: json(configOf(source)),
        what: "image size, classes and what the files were made from",
      },
      {
        name: "scheduler/scheduler_config.json",
        bytes: json(schedulerOf(source)),
        what: "for diffusers' `DDPMScheduler.from_pretrained(path, subfolder='scheduler')`, or DDIMScheduler's; there is no pipeline of diffusers for a network that is told the class in this way, so the loop over the timesteps is yours",
      },
    ];
  },
};

const json = (value: unknown): Uint8Array => Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`);

function inputsOf({ manifest: { timestep, classes } }: FormSource): string {
  return [
    "`sample`",
    ...(timestep ? ["`timestep` int32 [N] in 0..T-1"] : []),
    ...(classes > 0 ? ["`class_labels` int32 [N]"] : []),
  ].join(", ");
}

function configOf({ manifest: { network, image, classes, timestep }, provenance }: FormSource) {
  return {
    model_type: network.name,
    in_channels: image.channels,
    out_channels: image.channels,
    sample_size: [image.height, image.width],
    num_class_embeds: classes > 0 ? classes : null,
    takes_timestep: timestep,
    onnx_diffusion: provenance,
  };
}

/** diffusers' names. */
const PREDICTION_TYPES = { eps: "epsilon", x0: "sample", v: "v_prediction" } as const satisfies Record<
  Prediction,
  string
>;

/** diffusers' level i is timestep i + 1; its alphas_cumprod has no alpha_0 before it, so the first beta takes that in. */
function schedulerOf({ manifest }: FormSource) {
  const { T, float64, spec } = scheduleOf(manifest.schedule);
  const betas = Array.from(float64.beta.subarray(1), (beta, i) =>
    i === 0 ? 1 - float64.alphaBar[1]! : beta,
  );
  return {
    _class_name: "DDPMScheduler",
    num_train_timesteps: T,
    ...(spec.kind === "linear"
      ? { beta_start: spec.betaStart, beta_end: spec.betaEnd, beta_schedule: "linear" }
      : {}),
    trained_betas: betas,
    prediction_type: PREDICTION_TYPES[manifest.prediction],
    variance_type: "fixed_large",
    clip_sample: false,
    // as `trainer sample` has it: fewer steps, from T still
    timestep_spacing: "trailing",
    steps_offset: 0,
  };
}

/** The graph with `timestep` one less than before. */
function countedFromZero(model: Model): Model {
  const { graph } = model;
  const [one, counted] = ["timestep.one", "timestep.from_one"];
  const initializer: ModelInitializer = { name: one, dtype: "int32", shape: [], data: Int32Array.of(1) };
  const nodes = graph.nodes.map((current) => ({
    ...current,
    inputs: current.inputs.map((name) => (name === "timestep" ? counted : name)),
  }));
  return {
    ...model,
    graph: {
      ...graph,
      initializers: [...graph.initializers, initializer],
      nodes: [node("Add", ["timestep", one], counted), ...nodes],
    },
  };
}
