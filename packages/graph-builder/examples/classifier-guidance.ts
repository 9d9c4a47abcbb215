/**
 * Classifier guidance (Dhariwal & Nichol 2021, algorithm 2) as one ONNX graph, made of two files that know nothing of
 * each other: a diffusion network and a classifier, whose gradient by the image the builder derives.
 * `npx -y pnpm@12 example packages/graph-builder/examples/classifier-guidance.ts runs/mnist/model models/judge`
 */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseManifest, type Schedule, scheduleOf } from "@onnx-diffusion/diffusion";
import {
  buildModel,
  constant,
  gather,
  gradients,
  importModel,
  input,
  type Model,
  mul,
  oneHot,
  readOnnx,
  reduceLogSumExp,
  reduceSum,
  reshape,
  sub,
  type Tensor,
  writeOnnx,
} from "@onnx-diffusion/graph-builder";

/** log p(label | image) of each image [N], from logits [N, classes]. */
function logProbability(logits: Tensor, labels: Tensor): Tensor {
  const ofLabel = reduceSum(mul(logits, oneHot(labels, logits.shape[1] as number)), { axes: [1] });
  return sub(ofLabel, reduceLogSumExp(logits, { axes: [1] }));
}

/**
 * `sample` x_t [N,C,H,W], `timestep` [N], `class_labels` [N] and `guidance_scale` s ->
 * `out_sample`: eps - sqrt(1 - alphaBar_t) s grad log p(label | x_t), and that `log_probability` [N].
 * @param network - an inference_model.
 * @param classifier - `images` [N,C,H,W] (and `timestep` [N], if it was trained on noisy ones) -> `logits` [N, classes].
 */
export function guided(network: Model, classifier: Model, schedule: Schedule): Model {
  const { shape } = network.graph.inputs.find(({ name }) => name === "sample")!;
  const sample = input("sample", "float32", shape);
  const timestep = input("timestep", "int32", ["batch"]);
  const class_labels = input("class_labels", "int32", ["batch"]);
  const scale = input("guidance_scale", "float32", []);
  const known: Record<string, Tensor> = { sample, images: sample, timestep, class_labels };
  /** Both files as functions of the same tensors. */
  const apply = (model: Model) => {
    const wanted = model.graph.inputs.filter(({ name }) => name in known);
    return importModel(model, Object.fromEntries(wanted.map(({ name }) => [name, known[name]!]))).outputs;
  };

  const eps = apply(network).out_sample!;
  const log_probability = logProbability(apply(classifier).logits!, class_labels);
  // An image's gradient depends on that image alone: the sum over the batch has each one's own.
  const [gradient] = gradients(reduceSum(log_probability), [sample]) as [Tensor];

  const { sqrtOneMinusAlphaBar: table } = schedule;
  const sigma = reshape(gather(constant("float32", [table.length], table), timestep), ["batch", 1, 1, 1]);
  const out_sample = sub(eps, mul(mul(sigma, scale), gradient));
  const inputs = [sample, timestep, class_labels, scale];
  return buildModel({ name: "classifier-guidance", inputs, outputs: { out_sample, log_probability } });
}

if (process.argv[1] === import.meta.filename) {
  const [folder = "runs/mnist/model", judge = "models/judge"] = process.argv.slice(2);
  const read = (...parts: string[]) => readFile(path.join(...parts));
  const manifest = parseManifest((await read(folder, "manifest.json")).toString(), folder);
  const network = readOnnx(await read(folder, manifest.graphs.inference_model!.file));
  const classifier = readOnnx(await read(judge, "classifier.onnx"));
  // Beside the network's own file, whose weights it shares.
  const file = path.join(folder, "guided_model.onnx");
  await writeFile(file, writeOnnx(guided(network, classifier, scheduleOf(manifest.schedule))));
  console.log(file);
}
