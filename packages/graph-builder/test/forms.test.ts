/** Forms of convolutions: each computes what ONNX's own operators do, and a table decides which one is written. */
import {
  type ConvolutionForm,
  type FormChoice,
  initialise,
  linearSchedule,
  PRACTICAL_SCHEDULE,
  parseManifest,
} from "@onnx-diffusion/diffusion";
import fc from "fast-check";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import {
  buildModel,
  convolutionsOf,
  cpu,
  cpuWith,
  describeTraining,
  formsOf,
  GRAPHS,
  input,
  loweringFor,
  modelFiles,
  native,
  readOnnx,
  unetCond,
  usualForm,
  writeOnnx,
} from "../src/index.js";
import { furthest, layers } from "./layers.js";

/** Any geometry whose stride comes out even, 4-2-1 every second time. */
const shapes = fc
  .record({
    geometry: fc.oneof(
      fc.constant({ kernel: [4, 4] as const, stride: 2, pad: 1 }),
      fc
        .record({
          kernel: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
          stride: fc.integer({ min: 1, max: 3 }),
          pad: fc.integer({ min: 0, max: 2 }),
        })
        // ONNX Runtime's native kernels take no larger pads
        .filter(({ kernel, pad }) => kernel.every((k) => pad < k)),
    ),
    small: fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })),
    channels: fc.integer({ min: 1, max: 5 }),
    filters: fc.integer({ min: 1, max: 5 }),
  })
  .map(({ geometry, small, ...rest }) => {
    const large = small.map((n, i) => (n - 1) * geometry.stride + geometry.kernel[i]! - 2 * geometry.pad);
    return { ...geometry, large: large as [number, number], small, ...rest };
  })
  .filter(({ large }) => large.every((size) => size > 0));

test.each(["conv2d", "convTranspose2d"] as const)(
  "%s: in every form that applies, values and gradients of gradients are those of the native operators",
  async (op) => {
    const seen = new Set<ConvolutionForm>();
    await fc.assert(
      fc.asyncProperty(
        shapes,
        fc.integer({ min: 1, max: 3 }),
        fc.boolean(),
        fc.integer({ min: 1 }),
        async (shape, batch, bias, start) => {
          const { channels, filters, large, small, kernel } = shape;
          const sides = [
            ["n", channels, ...large],
            ["n", filters, ...small],
          ] as const;
          const [from, to] = op === "conv2d" ? sides : [sides[1], sides[0]];
          const forms = formsOf(shape);
          const layer = {
            op,
            geometry: shape,
            shapes: [from, [filters, channels, ...kernel], to, ...(bias ? [[to[1]!]] : [])],
            batch,
            start,
          };
          const lowerings = forms.map((form) => cpuWith([{ ...shape, form }]));
          const [theirs, ...ours] = await layers([native, ...lowerings], layer);
          forms.forEach((form, i) => {
            seen.add(form);
            for (const [name, { dims, data }] of Object.entries(theirs!)) {
              expect(ours[i]![name]!.dims).toEqual(dims);
              expect(furthest(ours[i]![name]!.data, data), `${form}: ${name}`).toBeLessThan(TOLERANCE);
            }
          });
        },
      ),
      { numRuns: 16, endOnFailure: true },
    );
    expect([...seen].sort()).toEqual(["native", "patches", "patches-transposed", "winograd"]);
  },
);

/** Sums of up to a thousand products in float32, made in another way; minimal filtering rounds four times as coarsely. */
const TOLERANCE = 1e-5;

describe("a table", () => {
  const shape = { kernel: [4, 4], stride: 2, pad: 1, large: [16, 16], channels: 32, filters: 40 } as const;
  const operators = (forms: readonly FormChoice[], size = 16) => {
    const lowering = forms.length > 0 ? cpuWith(forms) : cpu;
    const x = input("x", "float32", ["n", 32, size, size]);
    const w = input("w", "float32", [40, 32, 4, 4]);
    const y = lowering.conv2d(x, w, undefined, shape);
    const { graph } = buildModel({ name: "chosen", inputs: [x, w], outputs: { y } });
    return graph.nodes.map(({ opType }) => opType).filter((op) => /Gemm|MatMul|Conv/.test(op));
  };

  test("decides for its shapes, the usual rule for others", () => {
    expect(usualForm(shape)).toBe("winograd");
    expect(new Set(operators([]))).toEqual(new Set(["MatMul"]));
    expect(operators([{ ...shape, form: "patches" }])).toEqual(["Gemm"]);
    expect(operators([{ ...shape, form: "native" }])).toEqual(["Conv"]);
    const other = { ...shape, filters: 41 };
    expect(operators([{ ...other, form: "patches" }])).toEqual(operators([]));
    expect(operators([{ ...shape, form: "patches" }], 8)).toEqual(operators([], 8));
  });

  test("with a form that cannot compute its shape is refused", () => {
    const threes = { ...shape, kernel: [3, 3], stride: 1, form: "winograd" } as const;
    expect(() => cpuWith([threes])).toThrow(
      'forms: "winograd" cannot compute kernel 3x3, stride 1, pad 1 of 16x16 pixels, 32 channels and 40 filters; choose patches, patches-transposed, native',
    );
  });
});

describe("an emitted model", () => {
  const network = unetCond({ channels: [8, 12, 16, 20], bottleneck: 24, up: [24, 20, 16, 12] });
  const training = describeTraining(network, linearSchedule(PRACTICAL_SCHEDULE));
  const inference = GRAPHS.inference_model.build(training, native);
  const convolutions = convolutionsOf(
    inference,
    training.specs.map(({ name }) => name),
  );
  /** Another form than the usual one for each shape, in turn. */
  const forms = convolutions.map(({ kernel, stride, pad, large, channels, filters }, i): FormChoice => {
    const sizes = { kernel, stride, pad, large, channels, filters };
    const others = formsOf(sizes).filter((form) => form !== usualForm(sizes));
    return { ...sizes, form: others[i % others.length]! };
  });

  test("has the convolutions that its network defines", () => {
    expect(convolutions.map(({ side, count }) => [side, count])).toEqual([
      ...Array(5).fill(["large", 1]),
      ...Array(4).fill(["small", 1]),
      ["large", 1],
    ]);
    expect(convolutions[0]).toEqual({
      ...{ kernel: [4, 4], stride: 2, pad: 1, large: [32, 32], small: [16, 16], channels: 3, filters: 8 },
      ...{ side: "large", bias: false, inputGradient: false, count: 1 },
    });
    expect(convolutions.slice(1).every(({ inputGradient }) => inputGradient)).toBe(true);
    expect(convolutions.at(-1)).toMatchObject({ bias: true, kernel: [1, 1] });
  });

  test("changes by a table in the graphs for CPUs alone, and its manifest says how", async () => {
    const [before, after] = [await modelFiles(network), await modelFiles(network, { forms })];
    const changed = [...before.keys()].filter(
      (name) => !Buffer.from(before.get(name)!).equals(after.get(name)!),
    );
    expect(changed.sort()).toEqual(["manifest.json", "training_loop.onnx"]);
    const text = new TextDecoder().decode(after.get("manifest.json"));
    const { graphs } = parseManifest(text, "manifest.json");
    expect(graphs.training_loop!.forms).toEqual(forms);
    expect(graphs.training_step!.forms).toBeUndefined();
    const whole = await modelFiles(network, { forms, target: "cpu" });
    const steps = [before, whole].map(
      (files) => readOnnx(files.get("training_step.onnx")!).graph.nodes.length,
    );
    expect(steps[0]).not.toBe(steps[1]);
  });

  test("records only what a table says of it, and refuses one that says nothing", async () => {
    const foreign: FormChoice = { ...forms[0]!, channels: 5 };
    const files = await modelFiles(network, { forms: [foreign, forms[1]!] });
    const { graphs } = parseManifest(new TextDecoder().decode(files.get("manifest.json")), "manifest.json");
    expect(graphs.training_loop!.forms).toEqual([forms[1]]);
    await expect(modelFiles(network, { forms: [foreign] })).rejects.toThrow(
      "forms: none of the table's 1 shapes is one of the 10 in unet-cond; measure them with: trainer tune",
    );
    await expect(modelFiles(network, { forms, target: "cuda" })).rejects.toThrow(
      "forms: they are for CPUs, but target cuda has no graph for one; leave one out",
    );
  });

  test("trains as before to rounding, all that it carries in the same layouts", async () => {
    const [reference, ours] = await Promise.all([steps(), steps(forms)]);
    for (const [name, { dims, data }] of Object.entries(reference!)) {
      expect(ours![name]!.dims).toEqual(dims);
      // Adam's first steps are of the gradient's sign, which rounding decides where a gradient is near 0: the norm, not each
      expect(distance(ours![name]!.data, data), name).toBeLessThan(/^losses$/.test(name) ? 1e-5 : 1e-2);
    }
  });

  /** Two steps of a batch of two by the training loop, by a table. */
  async function steps(table: readonly FormChoice[] = []): Promise<Record<string, Tensor>> {
    const lowering = loweringFor("training_loop", undefined, table);
    const model = GRAPHS.training_loop.build(training, lowering);

    const session = await InferenceSession.create(writeOnnx(model), { logSeverityLevel: 3 });
    const image = [2, 2, 3, 32, 32];
    const length = image.reduce((a, b) => a * b);
    const state = training.state.map((t, i) => [t.name, new Tensor(t.dtype, initialise(t, i, 0), t.shape)]);
    return session.run({
      ...Object.fromEntries(state),
      images: new Tensor(
        "uint8",
        Uint8Array.from({ length }, (_, i) => (i * 37) % 256),
        image,
      ),
      timestep: new Tensor("int32", Int32Array.of(3, 90, 200, 400), [2, 2]),
      noise: new Tensor(
        "float32",
        Float32Array.from({ length }, (_, i) => Math.sin(i * i)),
        image,
      ),
      class_labels: new Tensor("int32", Int32Array.of(1, 2, 3, 4), [2, 2]),
      learning_rate: new Tensor("float32", [1e-3, 1e-3], [2]),
    });
  }
});

/** Of two lists as vectors, relative to the length of the second. */
function distance(a: Tensor["data"], b: Tensor["data"]): number {
  let [difference, length] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference += (Number(a[i]) - Number(b[i])) ** 2;
    length += Number(b[i]) ** 2;
  }
  return length === 0 ? Math.sqrt(difference) : Math.sqrt(difference / length);
}
