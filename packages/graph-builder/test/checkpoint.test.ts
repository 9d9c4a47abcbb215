/** Checkpointing changes when things are computed and what is kept, and not a bit of any result. */
import { linearSchedule, PRACTICAL_SCHEDULE } from "@onnx-diffusion/diffusion";
import { InferenceSession } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import type { TypedArray } from "../src/dtype.js";
import {
  add,
  batchNorm2d,
  buildModel,
  cast,
  checkpoint,
  concat,
  constant,
  conv2d,
  convTranspose2d,
  cpu,
  defineNetwork,
  describeTraining,
  estimateMemory,
  exp,
  fileOrder,
  GRAPHS,
  gather,
  gradients,
  input,
  type Lowering,
  loop,
  type Model,
  matmul,
  mul,
  native,
  onnxRuntimeOrder,
  reduceSum,
  relu,
  scalar,
  sin,
  stopGradient,
  type Tensor,
  tanh,
  transpose,
  writeOnnx,
} from "../src/index.js";
import { feedsOf, ranNodes } from "./profile.js";
import { compile, floats, type Value } from "./run.js";

const bits = (data: TypedArray) =>
  Array.from(new Uint32Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength / 4));

interface Options {
  readonly [key: string]: number | boolean;
  readonly blocks: number;
  readonly recompute: boolean;
  /** Whether the first part's result is also given to the last one. */
  readonly skip: boolean;
}

/** Two sizes with residual blocks between; each part checkpointed or none. */
const network = defineNetwork({
  name: "residual",
  description: "two sizes, residual blocks",
  options: { blocks: 3, recompute: false } as {
    readonly [key: string]: number | boolean;
    blocks: number;
    recompute: boolean;
  },
  shape: () => ({}),
  forward(p, { sample }, { blocks, recompute, skip }) {
    const part: typeof checkpoint = recompute ? checkpoint : (fn) => fn;
    const residual = (q: typeof p) =>
      part((x: Tensor) => {
        const y = conv2d(q.at("conv"), x, { channels: 8, kernel: 3, pad: 1, bias: false });
        return relu(add(x, batchNorm2d(q.at("bn"), y)));
      });
    let x = part((t: Tensor) => conv2d(p.at("in"), t, { channels: 8, kernel: 4, stride: 2, pad: 1 }))(sample);
    const first = x;
    for (let i = 0; i < blocks; i++) x = residual(p.at(`block${i}`))(x);
    const join = (...parts: Tensor[]) =>
      convTranspose2d(p.at("out"), concat(parts, 1), { channels: 3, kernel: 4, stride: 2, pad: 1 });
    return part(join)(x, ...(skip ? [first] : []));
  },
});
const training = (recompute: boolean, options: Partial<Options> = {}) =>
  describeTraining(network({ ...options, recompute } as Options), linearSchedule(PRACTICAL_SCHEDULE));

describe.each<[string, Lowering]>([
  ["cpu", cpu],
  ["gpu", native],
])("a training graph (%s)", (_, lowering) => {
  const modelOf = (recompute: boolean) => GRAPHS.training_model.build(training(recompute), lowering);

  const runBoth = async (...models: Model[]) => {
    const feeds = feedsOf(models[0]!, { batch: 4 });
    const [a, b] = await Promise.all(
      models.map(async (model) => (await InferenceSession.create(writeOnnx(model))).run(feeds)),
    );
    expect(Object.keys(b!)).toEqual(Object.keys(a!));
    return Object.keys(a!).map(
      (name) => [name, a![name]!.data, b![name]!.data] as [string, ...Float32Array[]],
    );
  };

  test("gives the same bits: loss, gradients, running statistics", async () => {
    const results = await runBoth(modelOf(false), modelOf(true));
    expect(results.filter(([name]) => name.endsWith("running_mean.next"))).toHaveLength(3);
    for (const [name, a, b] of results) expect(bits(b!), name).toEqual(bits(a!));
  });

  test("adds up the gradients of a tensor with three uses in another order", async () => {
    const models = [false, true].map((r) =>
      GRAPHS.training_model.build(training(r, { skip: true }), lowering),
    );
    for (const [name, a, b] of await runBoth(...models)) {
      const distance = Math.hypot(...a!.map((v, i) => v - b![i]!)) / Math.hypot(...a!);
      // One sum's rounding, 6e-8, of some of the elements.
      expect(distance, name).toBeLessThan(1e-6);
    }
  });

  test("needs less memory, in the file's order and in ONNX Runtime's", () => {
    const models = [false, true].map((r) =>
      GRAPHS.training_model.build(training(r, { blocks: 6 }), lowering),
    );
    for (const order of [fileOrder, onnxRuntimeOrder]) {
      const [before, after] = models.map((model) => estimateMemory(model, { sizes: { batch: 64 }, order }));
      expect(after!.peak / before!.peak).toBeLessThan(0.75);
      expect(after!.inputs).toBe(before!.inputs);
    }
  });

  test("grows by a block's arguments with each block, not by what blocks compute", () => {
    const peak = (recompute: boolean, blocks: number) =>
      estimateMemory(GRAPHS.training_model.build(training(recompute, { blocks }), lowering), {
        sizes: { batch: 64 },
        order: onnxRuntimeOrder,
      }).peak;
    const [image, slope] = [64 * 8 * 16 * 16 * 4, (r: boolean) => (peak(r, 6) - peak(r, 3)) / 3];
    expect(slope(true) / image).toBeCloseTo(1, 1);
    expect(slope(false) / image).toBeGreaterThan(2);
  });

  test("keeps its copies in ONNX Runtime, each run after the gradient that it waits for", async () => {
    const ran = await ranNodes(modelOf(true), { batch: 2 }, "all");
    const heavy = (name: string) => /\bblock\d\.conv.*\/(Conv|Gemm)$/.test(name) && !name.includes("grad");
    // Three blocks, each computed twice.
    expect(ran.filter(heavy).sort()).toEqual(
      [0, 1, 2]
        .flatMap((i) =>
          ["", ".again"].map((again) => `block${i}.conv${again}/${lowering === cpu ? "Gemm" : "Conv"}`),
        )
        .sort(),
    );
    const position = (name: string) => ran.indexOf(name);
    for (const i of [0, 1]) {
      const own = ran.filter((name) => name.startsWith(`block${i}.conv.again/`)).map(position);
      const later = ran
        .filter((name) =>
          new RegExp(`^block${i + 1}[.](conv|bn)([.]again)?[.]grad/(Gemm|Conv|ReduceSum)`).test(name),
        )
        .map(position);
      expect(later.length).toBeGreaterThan(2);
      // All of the later block's gradients, those by its weights too, come first.
      expect(Math.min(...own)).toBeGreaterThan(Math.max(...later));
    }
  });
});

const x = input("x", "float32", ["n", 3]);
const w = input("w", "float32", [3, 3]);
const at: readonly Value[] = [
  floats([2, 3], [1, -2, 0.5, 3, 0.25, -1]),
  floats([3, 3], [0.5, -1, 2, 0.1, 0.2, -0.3, 1, 0, -0.5]),
];

/** Gradients by x and w with and without checkpointing, and the models' operators. */
async function both(
  build: (part: typeof checkpoint) => Tensor,
  { values = at, order = 1 }: { values?: readonly Value[]; order?: 1 | 2 } = {},
) {
  const [kept, recomputed] = await Promise.all(
    [((fn) => fn) as typeof checkpoint, checkpoint].map(async (part) => {
      const loss = build(part);
      let grads = gradients(loss, [x, w]);
      if (order === 2)
        grads = gradients(
          grads.map((g) => reduceSum(mul(g, sin(g)))).reduce((a, b) => add(a, b)),
          [x, w],
        );
      const outputs = { loss, gx: grads[0]!, gw: grads[1]! };
      const results = await (await compile([x, w], outputs))(values);
      const { graph } = buildModel({ name: "m", inputs: [x, w], outputs });
      return { results, opTypes: graph.nodes.map((n) => n.opType) };
    }),
  );
  return { kept: kept!, recomputed: recomputed! };
}

const expectSame = ({ kept, recomputed }: Awaited<ReturnType<typeof both>>) => {
  for (const name of ["gx", "gw"])
    expect(bits(recomputed.results[name]!.data), name).toEqual(bits(kept.results[name]!.data));
};
const count = (opTypes: readonly string[], op: string) => opTypes.filter((o) => o === op).length;

describe("checkpoint", () => {
  test("computes a block twice, and shares what does not depend on its arguments", async () => {
    const result = await both((part) => reduceSum(part((t: Tensor) => exp(matmul(t, tanh(w))))(mul(x, 2))));
    expectSame(result);
    expect(count(result.kept.opTypes, "Exp")).toBe(1);
    expect(count(result.recomputed.opTypes, "Exp")).toBe(2);
    expect(count(result.recomputed.opTypes, "Tanh")).toBe(1);
  });

  test("is exact where numbers are not finite", async () => {
    const odd = [Number.POSITIVE_INFINITY, Number.NaN, -0, Number.NEGATIVE_INFINITY, 1e-45, 3e38];
    const values = [floats([2, 3], odd), at[1]!];
    expectSame(
      await both(
        (part) => reduceSum(part((t: Tensor) => mul(mul(t, t), exp(t)))(add(x, mul(reduceSum(w), 0)))),
        { values },
      ),
    );
    // The same where the gradient that is waited for is not finite.
    expectSame(
      await both((part) => reduceSum(exp(mul(part((t: Tensor) => mul(t, tanh(t)))(matmul(x, w)), 1e4)))),
    );
  });

  test("takes several tensors, gives several, whole numbers among them", async () => {
    const rows = constant("int32", [2], [1, 1]);
    const build = (part: typeof checkpoint) => {
      const [a, b, unused] = part((t: Tensor, u: Tensor, index: Tensor) => [
        matmul(exp(t), transpose(gather(u, index), [1, 0])),
        tanh(t),
        cast(t, "int32"),
      ])(matmul(x, w), w, rows);
      expect(unused!.dtype).toBe("int32");
      return add(reduceSum(mul(a!, reduceSum(b!))), reduceSum(b!));
    };
    const result = await both(build);
    // The sums by x and w have their terms in another order: a few roundings of 6e-8.
    for (const name of ["gx", "gw"])
      result.kept.results[name]!.data.forEach((v, i) => {
        expect(Math.abs(Number(result.recomputed.results[name]!.data[i]) / Number(v) - 1)).toBeLessThan(1e-6);
      });
  });

  test("counts a tensor from outside once, also beside what it is made from", async () => {
    // The block uses w and 2w: by w there is a direct part, and one that comes back through 2w.
    const result = await both((part) => {
      const doubled = mul(w, 2);
      return reduceSum(part((t: Tensor) => tanh(add(matmul(t, w), matmul(t, doubled))))(x));
    });
    for (const name of ["gx", "gw"])
      result.kept.results[name]!.data.forEach((v, i) => {
        expect(Number(result.recomputed.results[name]!.data[i])).toBeCloseTo(Number(v), 5);
      });
  });

  test("passes arguments and tensors from outside through as they are", async () => {
    expectSame(
      await both((part) => {
        const [same, outer] = part((t: Tensor) => [t, w])(x);
        return reduceSum(mul(matmul(same!, outer!), matmul(same!, outer!)));
      }),
    );
  });

  test("nests", async () => {
    const result = await both((part) =>
      reduceSum(part((t: Tensor) => tanh(part((u: Tensor) => exp(matmul(u, w)))(sin(t))))(x)),
    );
    expectSame(result);
    // Forward, the outer block again, the inner one again in that.
    expect(count(result.recomputed.opTypes, "Exp")).toBe(3);
    expect(count(result.recomputed.opTypes, "Sin")).toBe(2);
  });

  test("copies loops with their bodies", async () => {
    const result = await both((part) =>
      reduceSum(
        part((t: Tensor) => {
          const { carried } = loop({ trips: scalar(3, "int64"), carried: [t] }, (_, [c]) => ({
            carried: [mul(c!, t)],
          }));
          return mul(exp(t), stopGradient(carried[0]!));
        })(matmul(x, w)),
      ),
    );
    expectSame(result);
    expect(count(result.recomputed.opTypes, "Loop")).toBe(2);
  });

  test("has gradients of its gradients", async () => {
    const { kept, recomputed } = await both(
      (part) => reduceSum(part((t: Tensor) => tanh(matmul(part((u: Tensor) => mul(u, sin(u)))(t), w)))(x)),
      { order: 2 },
    );
    // The same terms, some added in another order: a few roundings of 6e-8 on numbers of size 1 to 10.
    for (const name of ["gx", "gw"])
      kept.results[name]!.data.forEach((v, i) => {
        expect(Math.abs(Number(recomputed.results[name]!.data[i]) - Number(v))).toBeLessThan(1e-5);
      });
  });

  test("leaves a block without a gradient alone", () => {
    const y = checkpoint((t: Tensor) => exp(t))(x);
    expect(buildModel({ name: "m", inputs: [x], outputs: { y } }).graph.nodes.map((n) => n.opType)).toEqual([
      "Exp",
    ]);
    expect(() =>
      gradients(reduceSum(checkpoint((t: Tensor) => cast(cast(t, "int32"), "float32"))(x)), [x]),
    ).toThrow(/no gradient reaches "x" .* passes checkpoint/);
  });

  test("keeps layouts that cancel across its border", () => {
    const transposes = [false, true].map((recompute) => {
      const { graph } = GRAPHS.training_model.build(training(recompute), cpu);
      // Those of images; products turn their operands, and those of the block are made twice.
      return graph.nodes.filter((n) => (n.attributes.perm?.value as number[] | undefined)?.length === 4)
        .length;
    });
    expect(transposes[0]).toBeGreaterThan(0);
    // The images, which come in the other layout, are turned once more in the first part's second run.
    expect(transposes[1]).toBe(transposes[0]! + 1);
  });
});
