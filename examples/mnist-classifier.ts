/**
 * A classifier of handwritten digits, from the network to a trained ONNX file: 99 % of the 10,000 test digits after two
 * passes through MNIST. `npx -y pnpm@12 judge` trains it and writes models/judge, which tells what a drawn digit shows.
 */
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { initialise, permutation, type StateTensor } from "@onnx-diffusion/diffusion";
import {
  adam,
  batchNorm2d,
  buildModel,
  Collector,
  cast,
  constant,
  conv2d,
  cpu,
  gradients,
  input,
  linear,
  mul,
  native,
  oneHot,
  type Params,
  planUpdates,
  reduceLogSumExp,
  reduceMean,
  reduceSum,
  relu,
  reshape,
  sub,
  type Tensor,
  updateState,
  writeOnnx,
} from "@onnx-diffusion/graph-builder";
import { type Dataset, loadDataset } from "@onnx-diffusion/trainer";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";

const CLASSES = 10;
const FEATURES = 64;
const [HEIGHT, WIDTH] = [32, 32];

/** images [N,C,32,32] in -1..1 -> logits [N,10], and features [N,64], of which the logits are a linear function. */
function classifier(p: Params, images: Tensor): { logits: Tensor; features: Tensor } {
  // The mean of the colours. Three convolutions halve the image each, the fourth sees the 4x4 pixels that are left.
  let x = reduceMean(images, { axes: [1], keepdims: true });
  for (const [i, channels] of [16, 32, 64, FEATURES].entries()) {
    const halve = i < 3 ? { stride: 2, pad: 1 } : {};
    x = conv2d(p.at(`conv${i + 1}`), x, { channels, kernel: 4, ...halve, bias: false });
    x = relu(batchNorm2d(p.at(`bn${i + 1}`), x));
  }
  const features = reshape(x, [images.shape[0]!, FEATURES]);
  return { logits: linear(p.at("fc"), features, { features: CLASSES }), features };
}

/** Mean of -log p(label) = log(sum(exp(logits))) - logits[label]. */
function crossEntropy(logits: Tensor, labels: Tensor): Tensor {
  const ofLabel = reduceSum(mul(logits, oneHot(labels, CLASSES)), { axes: [1] });
  return reduceMean(sub(reduceLogSumExp(logits, { axes: [1] }), ofLabel));
}

/** Loss, gradients and Adam's update in one graph: state and a batch in, the next state and the loss out. */
function trainingStep(): { model: Uint8Array; state: readonly StateTensor[] } {
  const images = input("images", "uint8", ["batch", 1, HEIGHT, WIDTH]);
  const labels = input("labels", "int32", ["batch"]);
  const learningRate = input("learning_rate", "float32", []);

  const collector = new Collector({ training: true, lowering: cpu });
  const { logits } = classifier(collector.root, sub(mul(cast(images, "float32"), 2 / 255), 1));
  const loss = crossEntropy(logits, labels);

  const plan = planUpdates(collector.ordered(), { optimizer: adam() });
  const before = new Map(
    plan.state.map((s) => [s.name, collector.tensors.get(s.name) ?? input(s.name, s.dtype, s.shape)]),
  );
  const weights = plan.trained.map((name) => before.get(name)!);
  const after = updateState(plan, {
    before,
    gradients: gradients(loss, weights),
    buffers: collector.updates,
    learningRate,
  });
  const next = Object.fromEntries([...after].map(([name, tensor]) => [`${name}.next`, tensor]));
  const inputs = [...before.values(), images, labels, learningRate];
  const model = buildModel({ name: "mnist-step", inputs, outputs: { ...next, loss } });
  return { model: writeOnnx(model), state: plan.state };
}

type Weights = ReadonlyMap<string, OrtTensor>;

/** The learning rate is the highest one: it rises from 0 in the first fifth of the steps and falls to 0 in the rest. */
export const RECIPE = { epochs: 2, batch: 100, learningRate: 0.01, seed: 1 };

/** Trains on all images; yields the mean loss of each epoch and the weights after it. */
async function* train(data: Dataset, { epochs, batch, learningRate, seed } = RECIPE) {
  const { model, state } = trainingStep();
  const session = await InferenceSession.create(model);
  let weights: Weights = new Map(
    state.map((s, i) => [s.name, new OrtTensor(s.dtype as "float32", initialise(s, i, seed), s.shape)]),
  );
  const images = new OrtTensor("uint8", new Uint8Array(batch * HEIGHT * WIDTH), [batch, 1, HEIGHT, WIDTH]);
  const labels = new OrtTensor("int32", new Int32Array(batch), [batch]);
  const stepsPerEpoch = Math.floor(data.count / batch);
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = permutation(data.count, { seed, purpose: "permute", index: epoch });
    let sum = 0;
    for (let i = 0; i < stepsPerEpoch; i++) {
      const chosen = order.subarray(i * batch, (i + 1) * batch);
      data.images(chosen, images.data as Uint8Array);
      data.labels(chosen, labels.data as Int32Array);
      const done = (epoch * stepsPerEpoch + i) / (epochs * stepsPerEpoch);
      const rate = learningRate * Math.min(done / 0.2, (1 - done) / 0.8);
      const results = await session.run({
        ...Object.fromEntries(weights),
        images,
        labels,
        learning_rate: new OrtTensor("float32", [rate], []),
      });
      weights = new Map(state.map(({ name }) => [name, results[`${name}.next`]!]));
      sum += results.loss!.data[0] as number;
    }
    yield { epoch: epoch + 1, loss: sum / stepsPerEpoch, weights };
  }
}

/** The trained classifier as one file: `images` float32 [N,3,32,32] in -1..1 -> `logits` [N,10], `features` [N,64]. */
function trainedClassifier(weights: Weights): Uint8Array {
  const provide = ({ name, shape }: StateTensor) =>
    constant("float32", shape, weights.get(name)!.data as Float32Array, name);
  const images = input("images", "float32", ["batch", 3, HEIGHT, WIDTH]);
  const collector = new Collector({ training: false, lowering: native, provide });
  const outputs = classifier(collector.root, images);
  return writeOnnx(buildModel({ name: "mnist-classifier", inputs: [images], outputs }));
}

/** The number of images whose largest logit is that of their label. */
async function countRight(model: Uint8Array, data: Dataset): Promise<number> {
  const session = await InferenceSession.create(model);
  const batch = 500;
  let right = 0;
  for (let first = 0; first < data.count; first += batch) {
    const indices = Array.from({ length: Math.min(batch, data.count - first) }, (_, i) => first + i);
    const pixels = new Uint8Array(indices.length * 3 * HEIGHT * WIDTH);
    const labels = new Int32Array(indices.length);
    data.images(indices, pixels);
    data.labels(indices, labels);
    const x = Float32Array.from(pixels, (value) => (value / 255) * 2 - 1);
    const images = new OrtTensor("float32", x, [indices.length, 3, HEIGHT, WIDTH]);
    const logits = (await session.run({ images })).logits!.data as Float32Array;
    right += labels.filter((label, i) => {
      const row = logits.subarray(i * CLASSES, (i + 1) * CLASSES);
      return row.indexOf(Math.max(...row)) === label;
    }).length;
  }
  return right;
}

/** Trains, and writes `classifier.onnx` with a manifest that says what it takes, gives and gets right. */
export async function trainJudge(folder: string, report: (line: string) => void): Promise<number> {
  const data = await loadDataset("mnist", { split: "train", channels: 1, height: HEIGHT, width: WIDTH });
  let model: Uint8Array = new Uint8Array();
  for await (const { epoch, loss, weights } of train(data)) {
    report(`epoch ${epoch} of ${RECIPE.epochs}: loss ${loss.toFixed(4)}`);
    model = trainedClassifier(weights);
  }
  const test = await loadDataset("mnist", { split: "test", channels: 3, height: HEIGHT, width: WIDTH });
  const accuracy = (await countRight(model, test)) / test.count;
  const manifest = {
    format: "onnx-classifier",
    version: 1,
    image: { channels: 3, height: HEIGHT, width: WIDTH, range: [-1, 1] },
    classes: data.classNames,
    features: FEATURES,
    training: { data: data.name, dataDigest: data.digest, ...RECIPE },
    accuracy,
    files: {
      "classifier.onnx": { sha256: createHash("sha256").update(model).digest("hex"), bytes: model.length },
    },
  };
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, "classifier.onnx"), model);
  await writeFile(path.join(folder, "manifest.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
  report(`${folder}: ${(accuracy * 100).toFixed(2)} % of ${test.count} test images right`);
  return accuracy;
}

if (process.argv[1] === import.meta.filename)
  await trainJudge(process.argv[2] ?? "models/judge", console.log);
