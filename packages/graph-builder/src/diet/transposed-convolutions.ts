import type { ModelGraph, ModelInitializer, ModelNode } from "../model.js";
import type { Tensor } from "../tensor.js";

/**
 * A 4-2-1 transposed convolution as a 3-1-1 convolution to four times the channels, which are then laid out as the rows
 * and columns between: y(2i + r) takes x(i + d - 1) times the kernel's tap r + 3 - 2d. Twice the multiplications (nine
 * taps, of which five are zero), in operators that runtimes without transposed convolutions have. Others stay.
 */
export function convolveTransposes(graph: ModelGraph, values: ReadonlyMap<string, Tensor>): ModelGraph {
  const constants = new Map(graph.initializers.map((initializer) => [initializer.name, initializer]));
  const added = new Map<string, ModelInitializer>();
  const add = (initializer: ModelInitializer): string => {
    added.set(initializer.name, initializer);
    return initializer.name;
  };
  const nodes = graph.nodes.flatMap((node): readonly ModelNode[] => {
    const weight = constants.get(node.inputs[1]!);
    const bias = node.inputs[2] ? constants.get(node.inputs[2]) : undefined;
    const [, , height, width] = values.get(node.inputs[0]!)?.shape ?? [];
    const isKnown = typeof height === "number" && typeof width === "number";
    if (!isKnown || !isDoubling(node) || !(weight?.data instanceof Float32Array)) return [node];
    const shifts = bias?.data;
    if (node.inputs[2] && !(shifts instanceof Float32Array)) return [node];
    const [outs, out] = [weight.shape[1]!, node.outputs[0]!];
    const own = (suffix: string): string => `${out}.${suffix}`;
    const inputs = [
      node.inputs[0]!,
      add({ ...weight, name: own("weight"), shape: [4 * outs, weight.shape[0]!, 3, 3], data: taps(weight) }),
    ];
    if (shifts instanceof Float32Array) {
      const data = Float32Array.from({ length: 4 * outs }, (_, i) => shifts[i >> 2]!);
      inputs.push(add({ name: own("bias"), dtype: "float32", shape: [4 * outs], data }));
    }
    const sizes = (name: string, dims: readonly number[]): string =>
      add({ name, dtype: "int64", shape: [dims.length], data: BigInt64Array.from(dims, BigInt) });
    const step = (opType: string, from: readonly string[], to: string, attributes = {}): ModelNode => ({
      name: `${node.name}/${opType}`,
      opType,
      inputs: from,
      outputs: [to],
      attributes,
    });
    // five axes at most, as some runtimes have no more: images and channels are one
    return [
      step("Conv", inputs, own("quarters"), CONVOLUTION),
      {
        ...step("Reshape", [own("quarters"), sizes(own("apart"), [-1, 2, 2, height, width])], own("split")),
        name: `${node.name}/Reshape_1`,
      },
      step("Transpose", [own("split")], own("woven"), ints("perm", [0, 3, 1, 4, 2])),
      step("Reshape", [own("woven"), sizes(own("joined"), [-1, outs, 2 * height, 2 * width])], out),
    ];
  });
  return { ...graph, nodes, initializers: [...graph.initializers, ...added.values()] };
}

const ints = (name: string, value: readonly number[]) => ({ [name]: { type: "ints", value } as const });
const CONVOLUTION = {
  ...ints("kernel_shape", [3, 3]),
  ...ints("pads", [1, 1, 1, 1]),
  ...ints("strides", [1, 1]),
};

/** Whether a node is a ConvTranspose of kernel 4, stride 2, padding 1, in one group. */
function isDoubling({ opType, attributes }: ModelNode): boolean {
  const is = (name: string, wanted: string, usual: string): boolean =>
    `${attributes[name]?.value ?? usual}` === wanted;
  return (
    opType === "ConvTranspose" &&
    is("kernel_shape", "4,4", "") &&
    is("strides", "2,2", "") &&
    is("pads", "1,1,1,1", "") &&
    is("dilations", "1,1", "1,1") &&
    is("output_padding", "0,0", "0,0") &&
    is("group", "1", "1") &&
    attributes.output_shape === undefined &&
    is("auto_pad", "NOTSET", "NOTSET")
  );
}

/** [I, O, 4, 4] -> [4 O, I, 3, 3], of which channel 4 o + 2 r + s makes the pixels (2 i + r, 2 j + s) of o. */
function taps({ shape, data }: ModelInitializer): Float32Array<ArrayBuffer> {
  const [ins, outs] = shape as [number, number];
  const values = data as Float32Array;
  const result = new Float32Array(4 * outs * ins * 9);
  let at = 0;
  for (let channel = 0; channel < 4 * outs; channel++) {
    const [o, r, s] = [channel >> 2, (channel >> 1) & 1, channel & 1];
    for (let i = 0; i < ins; i++) {
      for (let place = 0; place < 9; place++, at++) {
        const [y, x] = [r + 3 - 2 * Math.floor(place / 3), s + 3 - 2 * (place % 3)];
        if (y >= 0 && y < 4 && x >= 0 && x < 4) result[at] = values[(i * outs + o) * 16 + y * 4 + x]!;
      }
    }
  }
  return result;
}
