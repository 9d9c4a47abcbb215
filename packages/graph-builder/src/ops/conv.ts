/** Convolution and its transpose, each the gradient of the other. */
import { addDims, type Dim, floorDiv, formatShape, isStatic, mulDims, type Shape, subDims } from "../dim.js";
import { apply, type Backward, type Call, defineOp, type OpEntry, sameDType } from "../op.js";
import type { Attributes, NodeSource, Tensor } from "../tensor.js";
import { concat } from "./concat.js";
import { reduceSum } from "./reduce.js";
import { sliceAxis } from "./slice.js";
import { transpose } from "./transpose.js";
import { halves, padsOf } from "./windows.js";

/** Attributes of Conv, in ONNX's terms: lists have an entry for each spatial axis. */
export interface ConvOptions {
  readonly strides?: readonly number[];
  /** Starts of all spatial axes, then their ends. */
  readonly pads?: readonly number[];
  readonly dilations?: readonly number[];
  readonly group?: number;
}

/** Attributes of ConvTranspose, in ONNX's terms. */
export interface ConvTransposeOptions extends ConvOptions {
  readonly output_padding?: readonly number[];
}

interface Geometry {
  readonly rank: number;
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly dilations: readonly number[];
  readonly group: number;
  readonly outputPadding: readonly number[];
}

function geometry({ inputs, attributes, fail }: Pick<Call, "inputs" | "attributes" | "fail">): Geometry {
  const [x, w] = [inputs[0]!, inputs[1]!];
  const rank = x.shape.length - 2;
  if (rank < 1 || w.shape.length !== x.shape.length) {
    fail(
      `the input is ${formatShape(x.shape)} and the weight ${formatShape(w.shape)}; expected [N, C, ...spatial] and a weight of the same rank`,
    );
  }
  const kernel = w.shape.slice(2);
  if (!kernel.every((k): k is number => typeof k === "number"))
    return fail(`the kernel ${formatShape(kernel)} must have known sizes`);
  const list = (name: string, length: number, value: number) => {
    const given = attributes[name] as readonly number[] | undefined;
    if (given && given.length !== length) fail(`${name} has ${given.length} entries, expected ${length}`);
    return given ?? Array<number>(length).fill(value);
  };
  const dilations = list("dilations", rank, 1);
  const strides = list("strides", rank, 1);
  const explicit = list("pads", 2 * rank, 0);
  const mode = String(attributes.auto_pad ?? "NOTSET");
  const pads = kernel.map((k, i) => {
    const reach = (k - 1) * dilations[i]! + 1;
    return padsOf(mode, x.shape[i + 2]!, reach, strides[i]!, [explicit[i]!, explicit[rank + i]!], fail);
  });
  return {
    rank,
    kernel,
    strides,
    pads: [...pads.map(([before]) => before), ...pads.map(([, after]) => after)],
    dilations,
    group: (attributes.group as number | undefined) ?? 1,
    outputPadding: list("output_padding", rank, 0),
  };
}

const ATTRIBUTES = {
  auto_pad: "string",
  dilations: "ints",
  group: "int",
  kernel_shape: "ints",
  pads: "ints",
  strides: "ints",
} as const;

function checkBias(call: Call, channels: Dim): void {
  const bias = call.inputs[2];
  if (bias && (bias.shape.length !== 1 || bias.shape[0] !== channels)) {
    call.fail(`the bias is ${formatShape(bias.shape)}, expected [${channels}], one for each output channel`);
  }
}

const convOp: OpEntry = defineOp("Conv", {
  since: 11,
  attributes: ATTRIBUTES,
  infer(call) {
    const [x, w] = [call.input(0), call.input(1)];
    const g = geometry(call);
    const channels = mulDims(w.shape[1]!, g.group);
    if (x.shape[1] !== channels) {
      call.fail(
        `the input has ${x.shape[1]} channels (${formatShape(x.shape)}), the weight ${formatShape(w.shape)} expects ${channels}; give the layer before ${channels} channels or this one a weight for ${x.shape[1]}`,
      );
    }
    checkBias(call, w.shape[0]!);
    const spatial = g.kernel.map((k, i) => {
      const padded = addDims(x.shape[i + 2]!, g.pads[i]! + g.pads[g.rank + i]!);
      const size = addDims(floorDiv(subDims(padded, (k - 1) * g.dilations[i]! + 1), g.strides[i]!), 1);
      if (typeof size === "number" && size < 1)
        call.fail(
          `the kernel ${k} does not fit the padded size ${padded} of spatial axis ${i}; pad more or shrink the kernel`,
        );
      return size;
    });
    return [
      {
        dtype: sameDType(call, x, w, ...(call.inputs[2] ? [call.inputs[2]] : [])),
        shape: [x.shape[0]!, w.shape[0]!, ...spatial],
      },
    ];
  },
  flops: (node, count) => kernelFlops(node.outputs[0]!, node, count),
  vjp(back) {
    const [x, w] = [back.input(0), back.input(1)];
    const g = geometry(back);
    const { grad } = back;
    return [
      inputGradient(grad, w, x, g),
      back.needs(1) ? weightGradient(x, grad, w.shape, g, back) : undefined,
      back.inputs[2] && biasGradient(grad),
    ];
  },
});

/** A multiply-add for each weight of a filter at each element of `at`, and the bias. */
function kernelFlops(at: Tensor, { inputs, outputs }: NodeSource, count: (shape: Shape) => number): number {
  const products = 2 * count(at.shape) * count(inputs[1]!.shape.slice(1));
  return products + (inputs[2] ? count(outputs[0]!.shape) : 0);
}

const biasGradient = (grad: Tensor): Tensor =>
  reduceSum(grad, { axes: grad.shape.flatMap((_, i) => (i === 1 ? [] : [i])) });

/** The transposed convolution of the gradient; output_padding restores the rows that the stride left over. */
function inputGradient(grad: Tensor, w: Tensor, x: Tensor, g: Geometry): Tensor {
  const rest = g.kernel.map((k, i) => {
    const size = transposedSize(grad.shape[i + 2]!, k, i, {
      ...g,
      outputPadding: g.outputPadding.map(() => 0),
    });
    return subDims(x.shape[i + 2]!, size);
  });
  // How many rows are left over of a named size is known when the graph runs: one less than the stride at most.
  const output_padding = rest.map((rows, i) => (typeof rows === "number" ? rows : g.strides[i]! - 1));
  const whole = convTranspose(grad, w, { ...optionsOf(g), output_padding });
  return isStatic(rest) ? whole : crop(whole, x.shape.slice(2), x);
}

/** Correlates the input with the gradient: a convolution over the batch with channels as the batch. */
function weightGradient(x: Tensor, grad: Tensor, shape: Shape, g: Geometry, back: Backward): Tensor {
  const swap = [1, 0, ...g.kernel.map((_, i) => i + 2)];
  if (g.group !== 1) return groupedWeightGradient(x, grad, shape, g, back);
  if (!isStatic(grad.shape.slice(2)))
    return back.fail(
      `the gradient by the weight needs known sizes after the channels, found ${formatShape(back.input(0).shape)}; give them in numbers`,
    );
  const correlated = conv(transpose(x, swap), transpose(grad, swap), {
    strides: g.dilations,
    dilations: g.strides,
    pads: g.pads,
  });
  return transpose(crop(correlated, g.kernel, x), swap);
}

/** One weight gradient for each group of channels. */
function groupedWeightGradient(x: Tensor, grad: Tensor, shape: Shape, g: Geometry, back: Backward): Tensor {
  const [out, perGroup] = [shape[0]!, shape[1]!];
  if (typeof out !== "number" || typeof perGroup !== "number") {
    return back.fail("a grouped convolution needs known channel counts for its gradient");
  }
  const per = out / g.group;
  const parts = Array.from({ length: g.group }, (_, i) => {
    const xs = sliceAxis(x, 1, i * perGroup, (i + 1) * perGroup);
    const grads = sliceAxis(grad, 1, i * per, (i + 1) * per);
    return weightGradient(xs, grads, [per, perGroup, ...g.kernel], { ...g, group: 1 }, back);
  });
  return concat(parts, 0);
}

/** Drops what a stride that does not divide leaves beyond the sizes. */
function crop(t: Tensor, sizes: readonly Dim[], near: Tensor): Tensor {
  return sizes.reduce<Tensor>((rest, size, i) => sliceAxis(rest, i + 2, 0, size, [near]), t);
}

function transposedSize(size: Dim, k: number, i: number, g: Geometry): Dim {
  const reach = (k - 1) * g.dilations[i]! + 1 + g.outputPadding[i]! - g.pads[i]! - g.pads[g.rank + i]!;
  return addDims(mulDims(subDims(size, 1), g.strides[i]!), reach);
}

/** The attributes with the pads, and the padding of the output, that give a wanted size. */
function explicitAttributes(call: Call): Attributes | undefined {
  const { auto_pad = "NOTSET", output_shape, ...rest } = call.attributes;
  if (auto_pad === "NOTSET" && !output_shape) return undefined;
  const x = call.input(0);
  const g = geometry({ ...call, attributes: { ...rest, pads: Array(2 * (x.shape.length - 2)).fill(0) } });
  const wanted = output_shape as readonly number[] | undefined;
  const same = auto_pad === "SAME_UPPER" || auto_pad === "SAME_LOWER";
  if (!wanted && !same) return { ...rest, pads: g.pads };
  const surplus = g.kernel.map((k, i) => {
    const size = wanted?.[i] ?? mulDims(x.shape[i + 2]!, g.strides[i]!);
    const more = subDims(transposedSize(x.shape[i + 2]!, k, i, g), size);
    return typeof more === "number"
      ? more
      : call.fail(`output_shape of ${formatShape(x.shape)} needs known sizes; give pads and output_padding`);
  });
  const pads = surplus.map((more) => halves(String(auto_pad), Math.max(more, 0)));
  return {
    ...rest,
    pads: [...pads.map(([before]) => before), ...pads.map(([, after]) => after)],
    output_padding: g.outputPadding.map((rows, i) => rows + Math.max(-surplus[i]!, 0)),
  };
}

const convTransposeOp: OpEntry = defineOp("ConvTranspose", {
  since: 11,
  attributes: { ...ATTRIBUTES, output_padding: "ints", output_shape: "ints" },
  read(call) {
    const attributes = explicitAttributes(call);
    return attributes && [apply(convTransposeOp, call.inputs, attributes)];
  },
  infer(call) {
    const [x, w] = [call.input(0), call.input(1)];
    const g = geometry(call);
    if (x.shape[1] !== w.shape[0]) {
      call.fail(
        `the input has ${x.shape[1]} channels (${formatShape(x.shape)}), the weight ${formatShape(w.shape)} expects ${w.shape[0]}; give the layer before ${w.shape[0]} channels or this one a weight for ${x.shape[1]}`,
      );
    }
    const channels = mulDims(w.shape[1]!, g.group);
    checkBias(call, channels);
    const spatial = g.kernel.map((k, i) => transposedSize(x.shape[i + 2]!, k, i, g));
    return [
      {
        dtype: sameDType(call, x, w, ...(call.inputs[2] ? [call.inputs[2]] : [])),
        shape: [x.shape[0]!, channels, ...spatial],
      },
    ];
  },
  flops: (node, count) => kernelFlops(node.inputs[0]!, node, count),
  vjp(back) {
    const [x, w] = [back.input(0), back.input(1)];
    const g = geometry(back);
    const { grad } = back;
    const dX = crop(conv(grad, w, optionsOf(g)), x.shape.slice(2), x);
    // The roles of input and gradient change places.
    const dW = back.needs(1) ? weightGradient(grad, x, w.shape, g, back) : undefined;
    return [dX, dW, back.inputs[2] && biasGradient(grad)];
  },
});

const optionsOf = ({ strides, pads, dilations, group }: Geometry): ConvOptions => ({
  strides,
  pads,
  dilations,
  group,
});

function attributesOf(options: ConvTransposeOptions): Attributes {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/**
 * Convolution of [N, C, ...] with a weight [O, C/group, ...]: [N, O, ...].
 * https://onnx.ai/onnx/operators/onnx__Conv.html
 */
export const conv = (
  x: Tensor,
  weight: Tensor,
  { bias, ...options }: ConvOptions & { bias?: Tensor } = {},
): Tensor =>
  apply(convOp, bias ? [x, weight, bias] : [x, weight], {
    kernel_shape: weight.shape.slice(2) as number[],
    ...attributesOf(options),
  });

/**
 * Transposed convolution of [N, C, ...] with a weight [C, O/group, ...]: [N, O, ...].
 * https://onnx.ai/onnx/operators/onnx__ConvTranspose.html
 */
export const convTranspose = (
  x: Tensor,
  weight: Tensor,
  { bias, ...options }: ConvTransposeOptions & { bias?: Tensor } = {},
): Tensor =>
  apply(convTransposeOp, bias ? [x, weight, bias] : [x, weight], {
    kernel_shape: weight.shape.slice(2) as number[],
    ...attributesOf(options),
  });

export default [convOp, convTransposeOp];
