/** A layer of one convolution as a training step has it, in one form. */

import type { ConvolutionForm } from "@onnx-diffusion/diffusion";
import {
  buildModel,
  type Convolution,
  cpuWith,
  input,
  type Model,
  transpose,
  vjp,
} from "@onnx-diffusion/graph-builder";

/**
 * The layer's value and its gradients: `x` [N,H,W,C] and `dy` of the value's shape as they lie between layers on CPUs, `weight` as
 * the form wants it, `bias` where there is one -> `y`, `weight_grad`, `bias_grad`, and `x_grad` where training takes it.
 */
export function layerModel(convolution: Convolution, form: ConvolutionForm): Model {
  const { side, kernel, stride, pad, large, small, channels, filters } = convolution;
  const lowering = cpuWith([{ ...convolution, form }]);
  const sides = [
    [...large, channels],
    [...small, filters],
  ] as const;
  const [from, to] = side === "large" ? sides : [sides[1], sides[0]];
  const x = input("x", "float32", ["batch", ...from]);
  const dy = input("dy", "float32", ["batch", ...to]);
  const image = transpose(x, [0, 3, 1, 2]);
  const geometry = { kernel, stride, pad };
  const shape = [filters, channels, ...kernel];
  const layout = lowering.weightLayout?.(side, image.shape, shape, geometry);
  const weight = input("weight", "float32", layout?.toKernel(input("w", "float32", shape)).shape ?? shape);
  const plain = layout?.fromKernel(weight, shape) ?? weight;
  const bias = convolution.bias ? input("bias", "float32", [to[2]!]) : undefined;
  const layer = side === "large" ? lowering.conv2d : lowering.convTranspose2d;
  const y = transpose(layer(image, plain, bias, geometry), [0, 2, 3, 1]);
  const given = [weight, ...(bias ? [bias] : [])];
  const by = { weight, ...(bias && { bias }), ...(convolution.inputGradient && { x }) };
  const gradients = vjp([y], Object.values(by), [dy]);
  const named = Object.keys(by).map((name, i) => [`${name}_grad`, gradients[i]!] as const);
  return buildModel({
    name: `tune.${form}`,
    inputs: [x, dy, ...given],
    outputs: { y, ...Object.fromEntries(named) },
  });
}
