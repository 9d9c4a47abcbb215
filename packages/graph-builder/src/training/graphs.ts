/** The entry points of a model: one definition of loss, gradient and update, several graphs around it. */
import {
  type GraphName,
  SAFETENSORS_DTYPE,
  type Schedule,
  type StateTensor,
  safetensorsLayout,
} from "@onnx-diffusion/diffusion";
import { buildModel } from "../build.js";
import type { Shape } from "../dim.js";
import { gradients } from "../gradients.js";
import { cpu } from "../lowering/cpu.js";
import type { Lowering } from "../lowering/lowering.js";
import { native } from "../lowering/native.js";
import type { Model } from "../model.js";
import type { Network } from "../network.js";
import { add, gather, loop, reduceMean, reshape, shapeOf } from "../ops/index.js";
import { asInput, Collector, type ParameterSpec } from "../params.js";
import { externalConstant, input, scalar, type Tensor } from "../tensor.js";
import { ADAM_MOMENTS, type AdamParameter, adam, adamState, adamStep } from "./adam.js";
import { type Batch, ddpmErrors, ddpmLoss } from "./ddpm.js";

const WEIGHTS_FILE = "weights.safetensors";
const COUNTER: StateTensor = {
  name: "step",
  kind: "counter",
  dtype: "int32",
  shape: [],
  initializer: { kind: "constant", value: 0 },
};

export interface Training {
  readonly network: Network;
  readonly schedule: Schedule;
  /** Parameters, buffers, optimizer tensors, counter: what training carries, in the manifest's order. */
  readonly state: readonly StateTensor[];
  readonly specs: readonly ParameterSpec[];
}

/** Finds out what a network's training carries, by one pass through it. */
export function describeTraining(network: Network, schedule: Schedule): Training {
  const specs = forwardOf(network, schedule, cpu, batchInputs(network)).collector.ordered();
  const parameters = specs.filter((s) => s.kind === "parameter");
  const plain = specs.map(({ layout: _, ...tensor }): StateTensor => tensor);
  return { network, schedule, specs, state: [...plain, ...parameters.flatMap(adamState), COUNTER] };
}

export const GRAPHS: Readonly<
  Record<GraphName, { readonly lowering: Lowering; build(training: Training, lowering: Lowering): Model }>
> = {
  training_model: { lowering: native, build: trainingModel },
  optimizer_model: { lowering: native, build: optimizerModel },
  training_step: { lowering: native, build: trainingStep },
  training_loop: { lowering: cpu, build: trainingLoop },
  eval_model: { lowering: native, build: evalModel },
  inference_model: { lowering: native, build: inferenceModel },
};

/** The inputs of a batch; with `lead`, of as many batches stacked. */
function batchInputs(network: Network, lead: Shape = []): Batch {
  const { channels, height, width } = network.image;
  const images = [...lead, "batch", channels, height, width];
  return {
    images: input("images", "uint8", images),
    timestep: input("timestep", "int32", [...lead, "batch"]),
    noise: input("noise", "float32", images),
    ...(network.classes > 0 ? { classLabels: input("class_labels", "int32", [...lead, "batch"]) } : {}),
  };
}

const tensorsOf = (batch: Batch): Tensor[] => Object.values(batch);

/** The loss of one batch, and the collector with the parameters it used and the running statistics it leaves. */
function forwardOf(
  network: Network,
  schedule: Schedule,
  lowering: Lowering,
  batch: Batch,
  provide = asInput,
) {
  const collector = new Collector({ training: true, lowering, provide });
  const loss = ddpmLoss(network, collector, batch, schedule);
  return { collector, loss };
}

function gradientsOf({ specs }: Training, loss: Tensor, wrt: (name: string) => Tensor): Map<string, Tensor> {
  const names = specs.filter((s) => s.kind === "parameter").map((s) => s.name);
  const found = gradients(loss, names.map(wrt));
  return new Map(names.map((name, i) => [name, found[i]!]));
}

const next = (name: string): string => `${name}.next`;

function trainingModel(training: Training, lowering: Lowering): Model {
  const { network, schedule, specs } = training;
  const batch = batchInputs(network);
  const { collector, loss } = forwardOf(network, schedule, lowering, batch);
  const tensor = (name: string) => collector.tensors.get(name)!;
  const grads = gradientsOf(training, loss, tensor);
  return buildModel({
    name: `${network.name}.training_model`,
    inputs: [...specs.map((s) => tensor(s.name)), ...tensorsOf(batch)],
    outputs: {
      loss,
      ...Object.fromEntries([...grads].map(([name, grad]) => [`${name}_grad`, grad])),
      ...Object.fromEntries([...collector.updates].map(([name, value]) => [next(name), value])),
    },
  });
}

/** One Adam step for every parameter; `value` gives each state tensor before it. */
function update(
  training: Training,
  value: (name: string) => Tensor,
  grads: (name: string) => Tensor,
  learningRate: Tensor,
): Map<string, Tensor> {
  const step = add(value(COUNTER.name), scalar(1, "int32"));
  const common = adamStep(step, learningRate);
  const after = new Map<string, Tensor>();
  for (const { name, kind } of training.specs) {
    if (kind !== "parameter") continue;
    const [first, second] = ADAM_MOMENTS;
    const before: AdamParameter = {
      value: value(name),
      [first]: value(`${name}.${first}`),
      [second]: value(`${name}.${second}`),
    };
    const result = adam(before, grads(name), common);
    after.set(name, result.value);
    for (const moment of ADAM_MOMENTS) after.set(`${name}.${moment}`, result[moment]);
  }
  return after.set(COUNTER.name, step);
}

const learningRateInput = (): Tensor => input("learning_rate", "float32", []);

function optimizerModel(training: Training): Model {
  const carried = training.state.filter((s) => s.kind !== "buffer");
  const inputs = new Map(carried.map((s) => [s.name, input(s.name, s.dtype, s.shape)]));
  const grads = new Map(
    carried
      .filter((s) => s.kind === "parameter")
      .map((s) => [s.name, input(`${s.name}_grad`, s.dtype, s.shape)]),
  );
  const learningRate = learningRateInput();
  const after = update(
    training,
    (name) => inputs.get(name)!,
    (name) => grads.get(name)!,
    learningRate,
  );
  return buildModel({
    name: `${training.network.name}.optimizer_model`,
    inputs: [...inputs.values(), ...grads.values(), learningRate],
    outputs: Object.fromEntries(carried.map((s) => [next(s.name), after.get(s.name)!])),
  });
}

/** Everything that training carries after one step. `before` and the result are in the kernels' layouts. */
function fusedStep(
  training: Training,
  lowering: Lowering,
  before: ReadonlyMap<string, Tensor>,
  batch: Batch,
  learningRate: Tensor,
) {
  const { network, schedule, state } = training;
  const { collector, loss } = forwardOf(network, schedule, lowering, batch, (spec) => {
    const tensor = before.get(spec.name)!;
    return spec.layout ? spec.layout.fromKernel(tensor, spec.shape) : tensor;
  });
  const value = (name: string) => before.get(name)!;
  const grads = gradientsOf(training, loss, value);
  const after = update(training, value, (name) => grads.get(name)!, learningRate);
  for (const [name, buffer] of collector.updates) after.set(name, buffer);
  return { after: state.map((s) => after.get(s.name) ?? value(s.name)), loss };
}

function trainingStep(training: Training, lowering: Lowering): Model {
  const batch = batchInputs(training.network);
  const learningRate = learningRateInput();
  const inputs = training.state.map((s) => input(s.name, s.dtype, s.shape));
  const kernels = inKernelLayout(training, lowering, inputs);
  const { after, loss } = fusedStep(training, lowering, kernels, batch, learningRate);
  return buildModel({
    name: `${training.network.name}.training_step`,
    inputs: [...inputs, ...tensorsOf(batch), learningRate],
    outputs: { ...fromKernelLayout(training, lowering, after), loss },
  });
}

/** As many steps as there are batches. Weights change into the kernels' layout once before the loop and back after. */
function trainingLoop(training: Training, lowering: Lowering): Model {
  const stacked = batchInputs(training.network, ["steps"]);
  const learningRate = learningRateInput();
  const inputs = training.state.map((s) => input(s.name, s.dtype, s.shape));
  const carried = [...inKernelLayout(training, lowering, inputs).values()];
  const trips = reshape(shapeOf(stacked.images, { start: 0, end: 1 }), []);
  const result = loop({ trips, steps: "steps", carried }, (step, values) => {
    const batch = Object.fromEntries(
      Object.entries(stacked).map(([key, t]) => [key, gather(t, step)]),
    ) as unknown as Batch;
    const before = new Map(training.state.map((s, i) => [s.name, values[i]!]));
    const { after, loss } = fusedStep(training, lowering, before, batch, learningRate);
    return { carried: after, collected: [loss] };
  });
  return buildModel({
    name: `${training.network.name}.training_loop`,
    inputs: [...inputs, ...tensorsOf(stacked), learningRate],
    outputs: { ...fromKernelLayout(training, lowering, result.carried), losses: result.collected[0]! },
  });
}

/** Layout of a state tensor: a parameter's own, and the same for its moments. */
function layoutOf(training: Training, lowering: Lowering, tensor: StateTensor) {
  const parameter = tensor.of ?? tensor.name;
  return lowering.weightLayout && training.specs.find((s) => s.name === parameter)?.layout;
}

function inKernelLayout(
  training: Training,
  lowering: Lowering,
  inputs: readonly Tensor[],
): Map<string, Tensor> {
  return new Map(
    training.state.map((s, i) => [
      s.name,
      layoutOf(training, lowering, s)?.toKernel(inputs[i]!) ?? inputs[i]!,
    ]),
  );
}

function fromKernelLayout(
  training: Training,
  lowering: Lowering,
  values: readonly Tensor[],
): Record<string, Tensor> {
  return Object.fromEntries(
    training.state.map((s, i) => [
      next(s.name),
      layoutOf(training, lowering, s)?.fromKernel(values[i]!, s.shape) ?? values[i]!,
    ]),
  );
}

function evalModel({ network, schedule, specs }: Training, lowering: Lowering): Model {
  const batch = batchInputs(network);
  const collector = new Collector({ training: false, lowering });
  const errors = ddpmErrors(network, collector, batch, schedule);
  const losses = reduceMean(errors, { axes: [1, 2, 3] });
  return buildModel({
    name: `${network.name}.eval_model`,
    inputs: [...specs.map((s) => collector.tensors.get(s.name)!), ...tensorsOf(batch)],
    outputs: { loss: reduceMean(losses), losses },
  });
}

/** The network alone, its weights in the safetensors file that training writes: the offsets follow from the names. */
function inferenceModel({ network, specs }: Training, lowering: Lowering): Model {
  const places = safetensorsLayout(
    specs.map(({ name, dtype, shape }) => ({ name, dtype: SAFETENSORS_DTYPE[dtype], shape })),
  );
  const place = new Map(
    places.tensors.map((t) => [t.name, { location: WEIGHTS_FILE, offset: t.offset, length: t.length }]),
  );
  const { channels, height, width } = network.image;
  const sample = input("sample", "float32", ["batch", channels, height, width]);
  const timestep = input("timestep", "int32", ["batch"]);
  const classLabels = input("class_labels", "int32", ["batch"]);
  const collector = new Collector({
    training: false,
    lowering,
    provide: ({ name, dtype, shape }) => externalConstant(name, dtype, shape, place.get(name)!),
  });
  const given = {
    ...(network.timestep ? { timestep } : {}),
    ...(network.classes > 0 ? { classLabels } : {}),
  };
  const out_sample = network.forward(collector.root, { sample, ...given });
  return buildModel({
    name: network.name,
    inputs: [sample, ...Object.values(given)],
    outputs: { out_sample },
  });
}
