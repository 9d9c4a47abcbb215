import { type SamplerRow, samplerRows, UserError } from "@onnx-diffusion/diffusion";
import { samplerModel, unrolledSamplerModel, writeOnnx } from "@onnx-diffusion/graph-builder";
import type { Form, FormSource } from "./form.js";
import { withWeights } from "./single.js";

/** Images from a seed or from noise in one run of one file: for programs that know nothing of diffusion. */
export const sampler: Form = {
  isModelFolder: false,
  hasDiet: true,
  files(source) {
    const { manifest, provenance } = source;
    const { schedule, image, classes } = manifest;
    const { sampler: name, spacing } = source.sampling;
    const steps = source.sampling.steps ?? schedule.T;
    if (steps > schedule.T) {
      throw new UserError(`--steps: found ${steps}, expected at most the model's T = ${schedule.T}`, {
        usage: true,
      });
    }
    const rows = samplerRows(manifest, { sampler: name, steps, spacing });
    const noise = noiseOf(source, rows);
    const options = {
      network: withWeights(source),
      rows,
      range: image.range,
      metadata: { ...provenance, sampler: `${name}, ${steps} steps, ${spacing} spacing` },
    };
    const model = source.diet ? unrolledSamplerModel(options) : samplerModel({ ...options, noise });
    const shape = `N, ${image.channels}, ${image.height}, ${image.width}`;
    const inputs = {
      seed: [
        "`seed` int64 []",
        classes > 0 ? "`class_labels` int32 [N]" : "`image_numbers` int32 [N], of any values",
      ],
      input: [
        `\`noise\` float32 [${shape}], standard normal`,
        ...(rows.some((row) => row.noise !== 0) ? [`\`step_noise\` float32 [${rows.length}, ${shape}]`] : []),
        ...(classes > 0 ? ["`class_labels` int32 [N]"] : []),
      ],
    }[noise];
    return [
      {
        name: "sampler.onnx",
        bytes: writeOnnx(model),
        what: `${name} in ${steps} steps with the network and its weights inside: ${inputs.join(", ")} -> \`images\` uint8 [N, ${image.height}, ${image.width}, ${image.channels}]`,
      },
    ];
  },
};

/** Where the noise comes from. @throws UserError for a seed on a diet. */
function noiseOf({ sampling, diet }: FormSource, rows: readonly SamplerRow[]): "seed" | "input" {
  if (diet && sampling.noise === "seed") {
    throw new UserError(
      "--noise seed: the graph would draw in int64 and float64, which --diet is there to avoid; leave out one of the two",
      { usage: true },
    );
  }
  const isStochastic = rows.some((row) => row.noise !== 0);
  return sampling.noise ?? (isStochastic && !diet ? "seed" : "input");
}
