/** The entry points of a model: one definition of loss, gradient and update, several graphs around it. */
import {
  type FormChoice,
  type GraphName,
  SAFETENSORS_DTYPE,
  type StateTensor,
  safetensorsLayout,
} from "@onnx-diffusion/diffusion";
import { buildModel } from "../build.js";
import type { Shape } from "../dim.js";
import { gradients } from "../gradients.js";
import { cpu, cpuWith } from "../lowering/cpu.js";
import type { Lowering } from "../lowering/lowering.js";
import { native } from "../lowering/native.js";
import type { Model } from "../model.js";
import { gather, loop, reduceMean, reshape, shapeOf, stopGradient } from "../ops/index.js";
import { Collector } from "../params.js";
import { externalConstant, input, type Tensor } from "../tensor.js";
import { type Batch, ddpmErrors } from "./ddpm.js";
import { batchInputs, forwardOf, tensorsOf } from "./forward.js";
import type { Training } from "./training.js";
import { updateState } from "./update.js";

const WEIGHTS_FILE = "weights.safetensors";

/** How one graph of a model folder is made. */
export interface EntryPoint {
  /** The form in which it is written by default. */
  readonly lowering: Lowering;
  /** The graph, written in a form. */
  build(training: Training, lowering: Lowering): Model;
}

/** Every entry point of a model folder: how it is written, and for which kind of device. */
export const GRAPHS: Readonly<Record<GraphName, EntryPoint>> = {
  training_model: { lowering: native, build: finished(trainingModel) },
  optimizer_model: { lowering: native, build: optimizerModel },
  training_step: { lowering: native, build: finished(trainingStep) },
  training_loop: { lowering: cpu, build: finished(trainingLoop) },
  eval_model: { lowering: native, build: evalModel },
  inference_model: { lowering: native, build: inferenceModel },
};

/** Devices that graphs can be written for. */
export const EMIT_TARGETS = ["cpu", "cuda", "webgpu"] as const;
/** One of EMIT_TARGETS. */
export type EmitTarget = (typeof EMIT_TARGETS)[number];

/** Which form wins where: gathered patches and Gemm on CPUs, ONNX's own convolutions on accelerators. */
const FORMS: Readonly<Record<EmitTarget, Lowering>> = { cpu, cuda: native, webgpu: native };

/** Without gradients ONNX Runtime's own convolutions are the fastest everywhere: weights are constants that it packs. */
const WITHOUT_GRADIENTS: readonly GraphName[] = ["eval_model", "inference_model"];

/**
 * The form of a graph: the one of the device that the folder is for. Without a device each graph has the form of the
 * device that runs it: `training_loop` the CPU's, the others that of accelerators.
 * @param forms - a table by which convolutions are written for CPUs. Default: the usual rule.
 */
export function loweringFor(
  graph: GraphName,
  target?: EmitTarget,
  forms: readonly FormChoice[] = [],
): Lowering {
  const own = target === undefined || WITHOUT_GRADIENTS.includes(graph);
  const lowering = own ? GRAPHS[graph].lowering : FORMS[target];
  return lowering === cpu && forms.length > 0 ? cpuWith(forms) : lowering;
}

/** A graph with gradients, finished as the lowering wants it. */
function finished(build: EntryPoint["build"]): EntryPoint["build"] {
  return (training, lowering) => {
    const model = build(training, lowering);
    return lowering.finish?.(model) ?? model;
  };
}

const next = (name: string): string => `${name}.next`;

function trainingModel(training: Training, lowering: Lowering): Model {
  const { network, schedule, specs } = training;
  const batch = batchInputs(network);
  const { collector, loss } = forwardOf(network, schedule, lowering, batch);
  const tensor = (name: string) => collector.tensors.get(name)!;
  const grads = gradients(loss, training.trained.map(tensor));
  return buildModel({
    name: `${network.name}.training_model`,
    inputs: [...specs.map((s) => tensor(s.name)), ...tensorsOf(batch)],
    outputs: {
      loss,
      ...Object.fromEntries(training.trained.map((name, i) => [`${name}_grad`, grads[i]!])),
      ...Object.fromEntries([...collector.updates].map(([name, value]) => [next(name), value])),
    },
  });
}

/** With `lead`, one for each of as many batches stacked. */
const learningRateInput = (lead: Shape = []): Tensor => input("learning_rate", "float32", lead);

/** Averages follow the buffers too, so these are given where there are averages, as the forward pass left them. */
function optimizerModel(training: Training, lowering: Lowering): Model {
  const { rules } = training;
  const averaged = training.optimizer.ema !== undefined;
  const carried = training.state.filter((s) => !s.frozen && (s.kind !== "buffer" || averaged));
  const inputs = new Map(carried.map((s) => [s.name, input(s.name, s.dtype, s.shape)]));
  const grads = carried
    .filter((s) => rules.has(s.name))
    .map((s) => input(`${s.name}_grad`, s.dtype, s.shape));
  const learningRate = learningRateInput();
  const after = updateState(training, {
    ...{ before: inputs, gradients: grads, learningRate },
    smallTogether: isLaunchBound(lowering),
  });
  return buildModel({
    name: `${training.network.name}.optimizer_model`,
    inputs: [...inputs.values(), ...grads, learningRate],
    outputs: Object.fromEntries(carried.map((s) => [next(s.name), after.get(s.name) ?? inputs.get(s.name)!])),
  });
}

/** Whether each node costs a launch on the devices that a lowering is for. */
const isLaunchBound = ({ target }: Lowering): boolean => target === "gpu";

/** What a step changes of what training carries, by name. `before` and the result are in the kernels' layouts. */
function fusedStep(
  training: Training,
  lowering: Lowering,
  before: ReadonlyMap<string, Tensor>,
  batch: Batch,
  learningRate: Tensor,
) {
  const { network, schedule } = training;
  const { collector, loss } = forwardOf(network, schedule, lowering, batch, (spec) => {
    const tensor = before.get(spec.name)!;
    return spec.layout ? spec.layout.fromKernel(tensor, spec.shape) : tensor;
  });
  const grads = gradients(
    loss,
    training.trained.map((name) => before.get(name)!),
  );
  const after = updateState(training, {
    ...{ before, gradients: grads, buffers: collector.updates, learningRate },
    smallTogether: isLaunchBound(lowering),
  });
  return { after, loss };
}

function trainingStep(training: Training, lowering: Lowering): Model {
  const batch = batchInputs(training.network);
  const learningRate = learningRateInput();
  const inputs = stateInputs(training);
  const layoutOf = layoutsOf(training, lowering);
  // Under another name, so that changing the layout and back leaves these and not the inputs.
  const kernels = new Map(
    [...inKernelLayout(training, layoutOf, inputs)].map(([name, t]) => [name, stopGradient(t)]),
  );
  const { after, loss } = fusedStep(training, lowering, kernels, batch, learningRate);
  return buildModel({
    name: `${training.network.name}.training_step`,
    inputs: [...inputs.values(), ...tensorsOf(batch), learningRate],
    outputs: { ...stateOutputs(training, layoutOf, inputs, after), loss },
  });
}

/**
 * As many steps as there are batches. Weights change into the kernels' layout once before the loop and back after;
 * frozen ones stay outside.
 */
function trainingLoop(training: Training, lowering: Lowering): Model {
  const stacked = batchInputs(training.network, ["steps"]);
  const learningRates = learningRateInput(["steps"]);
  const inputs = stateInputs(training);
  const layoutOf = layoutsOf(training, lowering);
  const kernels = inKernelLayout(training, layoutOf, inputs);
  const names = training.state.filter((s) => !s.frozen).map((s) => s.name);
  const carried = names.map((name) => kernels.get(name)!);
  const trips = reshape(shapeOf(stacked.images, { start: 0, end: 1 }), []);
  const result = loop({ trips, steps: "steps", carried }, (step, values) => {
    const batch = Object.fromEntries(
      Object.entries(stacked).map(([key, t]) => [key, gather(t, step)]),
    ) as unknown as Batch;
    const before = new Map([...kernels, ...names.map((name, i) => [name, values[i]!] as const)]);
    const { after, loss } = fusedStep(training, lowering, before, batch, gather(learningRates, step));
    return { carried: names.map((name) => after.get(name) ?? before.get(name)!), collected: [loss] };
  });
  const after = new Map(names.map((name, i) => [name, result.carried[i]!]));
  return buildModel({
    name: `${training.network.name}.training_loop`,
    inputs: [...inputs.values(), ...tensorsOf(stacked), learningRates],
    outputs: { ...stateOutputs(training, layoutOf, inputs, after), losses: result.collected[0]! },
  });
}

const stateInputs = ({ state }: Training): Map<string, Tensor> =>
  new Map(state.map((s) => [s.name, input(s.name, s.dtype, s.shape)]));

/** The kernels' layouts in a lowering: of a state tensor a parameter's own, and the same for its moments. */
function layoutsOf({ network, schedule }: Training, lowering: Lowering) {
  const { collector } = forwardOf(network, schedule, lowering, batchInputs(network));
  return ({ of, name }: StateTensor) => collector.specs.get(of ?? name)?.layout;
}

type Layouts = ReturnType<typeof layoutsOf>;

function inKernelLayout(
  training: Training,
  layoutOf: Layouts,
  inputs: ReadonlyMap<string, Tensor>,
): Map<string, Tensor> {
  return new Map(
    training.state.map((s) => {
      const tensor = inputs.get(s.name)!;
      return [s.name, layoutOf(s)?.toKernel(tensor) ?? tensor];
    }),
  );
}

/** The state after a step, in PyTorch's layouts; what has not changed is handed through. */
function stateOutputs(
  training: Training,
  layoutOf: Layouts,
  inputs: ReadonlyMap<string, Tensor>,
  after: ReadonlyMap<string, Tensor>,
): Record<string, Tensor> {
  return Object.fromEntries(
    training.state.map((s) => {
      const tensor = after.get(s.name);
      const plain = tensor && (layoutOf(s)?.fromKernel(tensor, s.shape) ?? tensor);
      return [next(s.name), plain ?? inputs.get(s.name)!];
    }),
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
