/**
 * Write a network in TypeScript and get ONNX graphs of it, of its loss, of its gradients and of its optimizer.
 * @packageDocumentation
 */

export type {
  ConvolutionForm,
  ConvolutionShape,
  FormChoice,
  OptimizerGroup,
  OptimizerOptions,
  OptimizerSpec,
} from "@onnx-diffusion/diffusion";
export { type Convolution, convolutionsOf } from "./analysis/convolutions.js";
export { estimateMemory, type MemoryEstimate, type MemoryOptions } from "./analysis/memory.js";
export { fileOrder, type Order, onnxRuntimeOrder } from "./analysis/order.js";
export { buildModel, type ModelDefinition } from "./build.js";
export { checkpoint } from "./checkpoint.js";
export { DIET_OPSET, diet } from "./diet/diet.js";
export type { Dim, Shape } from "./dim.js";
export type { DType, TypedArray } from "./dtype.js";
export { GraphError } from "./errors.js";
export { type GradientModelOptions, gradientModel } from "./gradient-model.js";
export { type GradientOptions, gradients, jvp, type VjpOptions, vjp } from "./gradients.js";
export { type ImportedModel, importModel } from "./import.js";
export * from "./layers/index.js";
export { cpu, cpuWith } from "./lowering/cpu.js";
export { forCpu } from "./lowering/for-cpu.js";
export { formsOf, usualForm } from "./lowering/forms.js";
export type { Side } from "./lowering/geometry.js";
export type { BatchNormStatistics, ConvGeometry, Lowering } from "./lowering/lowering.js";
export { native } from "./lowering/native.js";
export type { ImageGeometry } from "./lowering/products.js";
export * from "./model.js";
export { type ModelFilesOptions, modelFiles } from "./model-files.js";
export * from "./network.js";
export { convNet, NETWORKS, unet, unetCond, unetTime } from "./networks/index.js";
export { type LoadOptions, loadExternalData, type ReadExternal } from "./onnx/external-data.js";
export { readOnnx } from "./onnx/read.js";
export { writeOnnx } from "./onnx/write.js";
export type { AttributeType, Operand } from "./op.js";
export * from "./ops/index.js";
export * from "./optimizers/index.js";
export {
  Collector,
  type CollectorOptions,
  type ParameterSpec,
  Params,
  type Provider,
  type WeightLayout,
} from "./params.js";
export { type GuidanceOptions, guidedModel } from "./sampling/guided.js";
export { type ImageNoise, imageNoise } from "./sampling/noise.js";
export { type SamplerModelOptions, samplerModel } from "./sampling/sampler.js";
export { unrolledSamplerModel } from "./sampling/unrolled.js";
export { constant, type ExternalData, input, int64s, scalar, type Tensor } from "./tensor.js";
export * from "./training/ddpm.js";
export { EMIT_TARGETS, type EmitTarget, type EntryPoint, GRAPHS, loweringFor } from "./training/graphs.js";
export { planUpdates, type TrainingOptions, type UpdatePlan } from "./training/plan.js";
export { describeTraining, type Training } from "./training/training.js";
export { type UpdateInputs, updateState } from "./training/update.js";
