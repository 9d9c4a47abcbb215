import {
  describeSchedule,
  type LearningRateSchedule,
  type Manifest,
  type OptimizerSpec,
  type TrainingRecord,
} from "@onnx-diffusion/diffusion";
import { exportedTensors, sizeOf } from "./state.js";

/** What a card says beside what the manifest does. */
export interface CardContents {
  /** Lines about the files, in Markdown. */
  readonly files: readonly string[];
  /** Sections that follow the table, in Markdown. */
  readonly sections?: readonly string[];
  /** Whether `trainer sample` draws from the folder. */
  readonly draws: boolean;
}

/** The data sets by the names that Hugging Face's hub has for them: a card's metadata point to those. */
const HUB_DATASETS: Readonly<Record<string, string>> = {
  mnist: "mnist",
  "fashion-mnist": "fashion_mnist",
  cifar10: "cifar10",
};

/** README.md of a model folder: what it is, how it was trained, how to draw from it. Same input, same text. */
export function modelCard(
  manifest: Manifest,
  training: TrainingRecord,
  { files, sections = [], draws }: CardContents = folderContents(manifest),
): string {
  const { network, image, classes, schedule } = manifest;
  const parameters = exportedTensors(manifest)
    .filter(({ kind }) => kind === "parameter")
    .reduce((sum, tensor) => sum + sizeOf(tensor), 0);
  const hubDataset = HUB_DATASETS[training.data];
  return `---
library_name: onnx
pipeline_tag: unconditional-image-generation
${hubDataset ? `datasets:\n- ${hubDataset}\n` : ""}tags:
- diffusion
- onnx
---

# ${network.name}, trained on ${training.data}

A denoising diffusion model (DDPM) for images of ${image.height}x${image.width} with ${image.channels} channels${
    classes > 0 ? `, conditioned on ${classes} classes` : ""
  }. ${parameters.toLocaleString("en-US")} parameters.

| trained with | |
|---|---|
| data | ${training.data} |
| steps | ${training.steps} |
| batch | ${training.batch} |
| learning rate | ${training.learningRate}${ratesText(training.learningRateSchedule)} |
${optimizerRow(manifest.optimizer)}| seed | ${training.seed} |
| smoothed loss | ${training.loss.toPrecision(4)} |
| device | ${training.device} |
| noise schedule | ${describeSchedule(schedule)} |
${manifest.guidance === undefined ? "" : `| guidance | ${manifest.guidance}, inside the graph: it leans towards the class that it is asked for, and away from the others |\n`}
${[...sections, `## Files\n\n${files.map((line) => `- ${line}`).join("\n")}`, ...(draws ? [howToDraw(classes)] : [])].join("\n\n")}
`;
}

/** What training exports. */
function folderContents({ image, timestep, classes }: Manifest): CardContents {
  const inputs = [
    `\`sample\` float32 [N, ${image.channels}, ${image.height}, ${image.width}]`,
    ...(timestep ? ["`timestep` int32 [N]"] : []),
    ...(classes > 0 ? ["`class_labels` int32 [N]"] : []),
  ].join(", ");
  return {
    draws: true,
    files: [
      `\`inference_model.onnx\`: ${inputs} -> \`out_sample\`, the predicted noise; pixels run from ${image.range[0]} to ${image.range[1]}. Standard ONNX operators, so any ONNX runtime runs it.`,
      "`weights.safetensors`: the weights, and at the same time the external data of the ONNX file. Keep the two together.",
      "`manifest.json`: schedule, state, inputs and outputs, and the SHA-256 of each file.",
    ],
  };
}

function howToDraw(classes: number): string {
  const labels = classes > 0 ? ` --labels 0-${classes - 1}` : "";
  return `## Draw

\`\`\`
trainer sample --model . --count ${classes > 0 ? classes : 10}${labels} --seed 0 --out grid.png
\`\`\``;
}

/** `; after 100 steps of warm-up, falling to 0 at step 1500 (cosine)` */
function ratesText(rates: LearningRateSchedule | undefined): string {
  if (rates === undefined) return "";
  const { kind, warmupSteps, steps } = rates;
  const parts = [
    ...(warmupSteps > 0 ? [`after ${warmupSteps} steps of warm-up`] : []),
    ...(kind === "constant" ? [] : [`falling to 0 at step ${steps} (${kind})`]),
  ];
  return `; ${parts.join(", ")}`;
}

/** The table's row of the optimizer, with its options and what else happens in a step. */
function optimizerRow(optimizer: OptimizerSpec | undefined): string {
  if (optimizer === undefined) return "";
  const { name, options, groups = [], clip, ema } = optimizer;
  const parts = [
    [name, ...Object.entries(options).map(([option, value]) => `${option} ${value}`)].join(", "),
    ...groups.map(({ match, frozen }) => `\`${match}\` ${frozen ? "frozen" : "with options of its own"}`),
    ...(clip === undefined ? [] : [`gradients clipped to a norm of ${clip}`]),
    ...(ema === undefined ? [] : [`weights averaged with decay ${ema}`]),
  ];
  return `| optimizer | ${parts.join("; ")} |\n`;
}
