/**
 * The manifest: `manifest.json` of a model folder, everything that a program needs to train, resume, export or
 * sample the model without knowing the code that wrote it. docs/model-folder.md describes the same in prose.
 */

import type { FormChoice } from "./convolution-forms.js";
import type { Prediction } from "./prediction.js";

/** The version of the format that this code writes and reads. */
export const MANIFEST_VERSION = 1;

/** Element types of what the graphs take and give. */
export type DType = "float32" | "float16" | "int32" | "int64" | "uint8" | "bool";

/** A dimension: a size, or the name of one that the caller chooses (`batch`, `steps`). */
export type Dim = number | string;

/** How a tensor starts. Random ones draw from Philox with (seed, the tensor's index in `state`). */
export type Initializer =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "uniform"; readonly low: number; readonly high: number }
  | { readonly kind: "normal"; readonly mean: number; readonly std: number };

/**
 * One tensor that training carries from step to step.
 * - `parameter`: trained; has a gradient. Part of the exported weights.
 * - `buffer`: running statistics; written by the forward pass. Part of the exported weights.
 * - `optimizer`: a moment of the parameter named in `of`. Only in checkpoints.
 * - `average`: the moving average of the parameter or buffer named in `of`; exported in its place. In checkpoints both.
 * - `counter`: the number of optimizer steps taken (int32 scalar). Only in checkpoints.
 */
export interface StateTensor {
  /** PyTorch's path (`down1.conv.weight`), and the name of the graph inputs that take it. */
  readonly name: string;
  readonly kind: "parameter" | "buffer" | "optimizer" | "average" | "counter";
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly initializer: Initializer;
  /** The tensor that an `optimizer` or `average` tensor belongs to. */
  readonly of?: string;
  /** Of a parameter that is not trained: it has no gradient and stays as it is. */
  readonly frozen?: true;
}

/** A graph's input or output. */
export interface ValueSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly Dim[];
}

/**
 * The entry points of a model. In every graph that carries state, the input `X` comes back as the output `X.next`.
 * - `training_model`: parameters, buffers, batch -> `loss`, `<parameter>_grad`, `<buffer>.next`
 * - `optimizer_model`: parameters, `<parameter>_grad`, optimizer tensors, counter, `learning_rate` -> `.next` of each;
 *   where there are averages, they and the buffers that `training_model` left as well. Frozen parameters are left out
 * - `training_step`: state, batch, `learning_rate` -> `<state>.next`, `loss`
 * - `training_loop`: the same for K batches and rates stacked on a leading axis `steps` -> `<state>.next`, `losses` [steps]
 * - `eval_model`: parameters, buffers, batch -> `loss` with running statistics, `losses` [batch] (one an image)
 * - `inference_model`: `sample`, `timestep`?, `class_labels`? -> `out_sample`; its weights are external data
 */
export const GRAPH_NAMES = [
  "training_model",
  "optimizer_model",
  "training_step",
  "training_loop",
  "eval_model",
  "inference_model",
] as const;
/** The name of an entry point. */
export type GraphName = (typeof GRAPH_NAMES)[number];

/** How the graph's convolutions are written: `cpu` as gathered patches and Gemm, `gpu` as native Conv. */
export type Target = "cpu" | "gpu";

/** An entry point: its file, what it was written for, what it takes and gives. */
export interface GraphSpec {
  readonly file: string;
  readonly target: Target;
  /** How convolutions are written where a table chose it and not the builder's own rule, by their sizes. */
  readonly forms?: readonly FormChoice[];
  readonly inputs: readonly ValueSpec[];
  readonly outputs: readonly ValueSpec[];
  /** Files with the graph's external data. Default: the folder's safetensors files. */
  readonly data?: readonly string[];
}

/**
 * The noise levels t = 1..T.
 * - `linear`: beta_t = (betaEnd - betaStart) * t / T + betaStart for t = 0..T (the practical's schedule).
 * - `betas`: `betas[t - 1]` is beta_t; there is no noise at t = 0.
 * - `alphaBars`: `alphaBars[t - 1]` is the product of 1 - beta up to t; there is no noise at t = 0.
 */
export type ScheduleSpec = LinearScheduleSpec | BetasSpec | AlphaBarsSpec;

/** See {@link ScheduleSpec}. */
export interface LinearScheduleSpec {
  readonly kind: "linear";
  readonly T: number;
  readonly betaStart: number;
  readonly betaEnd: number;
}

/** See {@link ScheduleSpec}. */
export interface BetasSpec {
  readonly kind: "betas";
  /** The number of betas. */
  readonly T: number;
  readonly betas: readonly number[];
}

/** See {@link ScheduleSpec}. */
export interface AlphaBarsSpec {
  readonly kind: "alphaBars";
  /** The number of alphaBars. */
  readonly T: number;
  readonly alphaBars: readonly number[];
}

/** What the network's inputs and output are called here. */
export const ARGUMENT_NAMES = ["sample", "timestep", "class_labels", "out_sample"] as const;
/** The role of an input or of the output. */
export type ArgumentName = (typeof ARGUMENT_NAMES)[number];

/** How `inference_model` is spoken to, where it was made elsewhere. */
export interface NetworkArguments {
  /** The graph's own names. Default: each role's name. */
  readonly names?: Readonly<Partial<Record<ArgumentName, string>>>;
  /** What the network is told at t = 1, from which it counts up. Default: 1; diffusers' networks count from 0. */
  readonly firstTimestep?: number;
  /** A factor on what it is told. Default: 1; 1 / T for networks that take t in 0..1. */
  readonly timestepScale?: number;
}

/** What the graphs do to the parameters in a step. They do it whatever is said here: this describes them. */
export interface OptimizerSpec {
  /** `adam`, `adamw`, `sgd`, or the name of one's own. */
  readonly name: string;
  /** All its options, such as `beta1`. */
  readonly options: OptimizerOptions;
  /** Parameters that are updated in another way; the first group that matches decides. */
  readonly groups?: readonly OptimizerGroup[];
  /** Largest Euclidean norm of all gradients together; larger ones are scaled down to it. */
  readonly clip?: number;
  /**
   * Decay of the moving average of parameters and buffers, which is what is exported. After step n it is at most n / (n + 9); folders
   * that were emitted before there was this warm-up have the decay from the second step on.
   */
  readonly ema?: number;
}

/** An optimizer's options by name. */
export type OptimizerOptions = Readonly<Record<string, number | boolean>>;

/** Parameters chosen by their paths, and how they are updated in another way than the rest. */
export interface OptimizerGroup {
  /** Paths of parameters; `*` stands for any characters. */
  readonly match: string;
  /** Factor on the learning rate. */
  readonly learningRateScale?: number;
  /** Options that are others than `OptimizerSpec.options`. */
  readonly options?: OptimizerOptions;
  readonly frozen?: boolean;
}

/** The names of learning rate schedules. */
export const LEARNING_RATE_SCHEDULES = ["constant", "linear", "cosine"] as const;

/** A rise from 0 in `warmupSteps` steps, then constant, or falling to 0 at step `steps`. */
export interface LearningRateSchedule {
  readonly kind: (typeof LEARNING_RATE_SCHEDULES)[number];
  readonly warmupSteps: number;
  readonly steps: number;
}

/** What a trained model was trained with; absent from a folder that was only authored. */
export interface TrainingRecord {
  readonly data: string;
  /** SHA-256 over the training images and labels as they were fed. */
  readonly dataDigest: string;
  readonly steps: number;
  readonly batch: number;
  /** The largest. */
  readonly learningRate: number;
  /** How it changed. Absent: it was the same in every step. */
  readonly learningRateSchedule?: LearningRateSchedule;
  readonly seed: number;
  /** Smoothed training loss at the last step. */
  readonly loss: number;
  readonly device: string;
}

/**
 * What the inference graph answers to one image, by which another runtime or a copy of the folder is checked: `sample` is
 * x_T of the seed's first image (purpose `sampleInitial`), [1, C, H, W]. Networks without timestep or classes take none.
 */
export interface KnownAnswer {
  readonly seed: number;
  readonly timestep: number;
  readonly classLabel: number;
  /** The first values of `out_sample`. */
  readonly values: readonly number[];
}

/** A file's SHA-256 in hex, and its size. */
export interface FileDigest {
  readonly sha256: string;
  readonly bytes: number;
}

/** The contents of `manifest.json`. */
export interface Manifest {
  readonly format: "onnx-diffusion";
  readonly version: typeof MANIFEST_VERSION;
  readonly network: { readonly name: string; readonly options: Readonly<Record<string, unknown>> };
  /** Images are uint8 [channels, height, width] outside and `range[0]..range[1]` inside the network. */
  readonly image: {
    readonly channels: number;
    readonly height: number;
    readonly width: number;
    readonly range: readonly [number, number];
  };
  /** Number of classes; 0 for a network without `class_labels`. */
  readonly classes: number;
  /** Whether the network takes `timestep`. */
  readonly timestep: boolean;
  readonly prediction: Prediction;
  readonly schedule: ScheduleSpec;
  readonly arguments?: NetworkArguments;
  /** Absent from folders of before it was described; those have Adam with PyTorch's defaults. */
  readonly optimizer?: OptimizerSpec;
  /** Parameters first, then buffers, optimizer tensors, averages and the counter: the order of graph inputs. */
  readonly state: readonly StateTensor[];
  readonly graphs: Readonly<Partial<Record<GraphName, GraphSpec>>>;
  readonly training?: TrainingRecord;
  readonly knownAnswer?: KnownAnswer;
  /**
   * The weight w with which `inference_model` leans towards the class that it is asked for: its output is already
   * (1 + w) net(y) - w net(another class). Absent: it is the network itself.
   */
  readonly guidance?: number;
  /** Every file of the folder but the manifest itself. */
  readonly files: Readonly<Record<string, FileDigest>>;
}
