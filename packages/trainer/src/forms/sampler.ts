import { SAMPLERS, scheduleOf, UserError } from "@onnx-diffusion/diffusion";
import { samplerModel, writeOnnx } from "@onnx-diffusion/graph-builder";
import type { Form } from "./form.js";
import { withWeights } from "./single.js";

/** Images from a seed or from noise in one run of one file: for programs that know nothing of diffusion. */
export const sampler: Form = {
  isModelFolder: false,
  files(source) {
    const { manifest, provenance } = source;
    const { schedule, image, classes } = manifest;
    const { sampler: name, spacing, noise } = source.sampling;
    const steps = source.sampling.steps ?? schedule.T;
    if (steps > schedule.T) {
      throw new UserError(`--steps: found ${steps}, expected at most the model's T = ${schedule.T}`, {
        usage: true,
      });
    }
    const rows = SAMPLERS[name](scheduleOf(schedule), steps, { spacing });
    const model = samplerModel({
      network: withWeights(source),
      rows,
      range: image.range,
      noise,
      metadata: { ...provenance, sampler: `${name}, ${steps} steps, ${spacing} spacing` },
    });
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
