import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UserError } from "../src/errors.js";
import type { Initializer, Manifest, StateTensor } from "../src/manifest.js";
import { parseManifest } from "../src/parse-manifest.js";
import { serializeManifest } from "../src/serialize-manifest.js";

const WHERE = "models/x/manifest.json";
const DIGEST = "0123456789abcdef".repeat(4);

/** A small network with everything that a manifest can hold. */
const manifest: Manifest = {
  format: "onnx-diffusion",
  version: 1,
  network: { name: "unet-cond", options: { widths: [8, 16], bias: false, note: "ä" } },
  image: { channels: 3, height: 32, width: 32, range: [-1, 1] },
  classes: 10,
  timestep: true,
  prediction: "eps",
  schedule: { kind: "linear", T: 400, betaStart: 1e-4, betaEnd: 0.02 },
  optimizer: {
    name: "adamw",
    options: { beta1: 0.9, weightDecay: 0.01, amsgrad: false },
    groups: [
      { match: "*.bias", learningRateScale: 0.5, options: { weightDecay: 0 } },
      { match: "norm.*", frozen: true },
    ],
    clip: 1,
    ema: 0.999,
  },
  state: [
    {
      name: "conv.weight",
      kind: "parameter",
      dtype: "float32",
      shape: [8, 3, 4, 4],
      initializer: { kind: "uniform", low: -0.25, high: 0.25 },
    },
    {
      name: "norm.running_var",
      kind: "buffer",
      dtype: "float32",
      shape: [8],
      initializer: { kind: "constant", value: 1 },
    },
    {
      name: "conv.weight.m",
      kind: "optimizer",
      dtype: "float32",
      shape: [8, 3, 4, 4],
      initializer: { kind: "constant", value: 0 },
      of: "conv.weight",
    },
    {
      name: "step",
      kind: "counter",
      dtype: "int32",
      shape: [],
      initializer: { kind: "constant", value: 0 },
    },
  ],
  graphs: {
    training_step: {
      file: "training_step.onnx",
      target: "cpu",
      forms: [
        { kernel: [4, 4], stride: 2, pad: 1, large: [32, 32], channels: 3, filters: 8, form: "native" },
      ],
      inputs: [
        { name: "conv.weight", dtype: "float32", shape: [8, 3, 4, 4] },
        { name: "images", dtype: "uint8", shape: ["batch", 3, 32, 32] },
      ],
      outputs: [{ name: "conv.weight.next", dtype: "float32", shape: [8, 3, 4, 4] }],
    },
    inference_model: {
      file: "inference_model.onnx",
      target: "gpu",
      inputs: [
        { name: "sample", dtype: "float32", shape: ["batch", 3, 32, 32] },
        { name: "timestep", dtype: "int32", shape: ["batch"] },
        { name: "class_labels", dtype: "int32", shape: ["batch"] },
      ],
      outputs: [{ name: "out_sample", dtype: "float32", shape: ["batch", 3, 32, 32] }],
    },
  },
  training: {
    data: "mnist",
    dataDigest: DIGEST,
    steps: 2500,
    batch: 16,
    learningRate: 1e-3,
    learningRateSchedule: { kind: "cosine", warmupSteps: 100, steps: 2500 },
    seed: 7,
    loss: 0.0906,
    device: "cpu",
  },
  files: {
    "inference_model.onnx": { sha256: DIGEST, bytes: 1000 },
    "training_step.onnx": { sha256: DIGEST, bytes: 2000 },
  },
};

type Path = readonly (string | number)[];

/** A copy with one field changed, or taken away with undefined. */
function withField(path: Path, value: unknown): unknown {
  const copy: unknown = structuredClone(manifest);
  let at = copy as Record<string | number, unknown>;
  for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, unknown>;
  at[path.at(-1)!] = value;
  return JSON.parse(JSON.stringify(copy));
}

test("reads a parsed value and a text alike", () => {
  expect(parseManifest(structuredClone(manifest), WHERE)).toEqual(manifest);
  expect(parseManifest(JSON.stringify(manifest), WHERE)).toEqual(manifest);
});

test("a folder of before the optimizer was described reads as well", () => {
  const { optimizer: _, ...older } = manifest;
  expect(parseManifest(older, WHERE)).toEqual(older);
});

test("a folder that was only authored has no training record", () => {
  const { training: _, ...authored } = manifest;
  expect(parseManifest(authored, WHERE)).toEqual(authored);
  expect("training" in parseManifest(authored, WHERE)).toBe(false);
});

test("fields that it does not know are left out", () => {
  const more = { ...manifest, later: 1, image: { ...manifest.image, depth: 8 } };
  expect(parseManifest(more, WHERE)).toEqual(manifest);
});

describe("one wrong field", () => {
  test.each<[Path, unknown, string]>([
    [["format"], "other", 'format: found "other", expected "onnx-diffusion"'],
    [["format"], undefined, 'format: found nothing, expected "onnx-diffusion"'],
    [
      ["version"],
      2,
      "version: found 2, expected 1 or less: a newer onnx-diffusion wrote this folder; update to read it",
    ],
    [["version"], "1", 'version: found "1", expected a positive integer'],
    [["network"], [], "network: found [], expected an object"],
    [["network", "name"], "", 'network.name: found "", expected a text'],
    [["network", "options"], null, "network.options: found null, expected an object"],
    [["image", "height"], 0, "image.height: found 0, expected a positive integer"],
    [["image", "range"], [1, -1], "image.range: found [1,-1], expected two numbers, the lower one first"],
    [["image", "range"], [0, 1, 2], "image.range: found [0,1,2], expected two numbers, the lower one first"],
    [["image", "range", 1], "1", 'image.range[1]: found "1", expected a finite number'],
    [["classes"], -1, "classes: found -1, expected an integer of 0 or more"],
    [["timestep"], 1, "timestep: found 1, expected true or false"],
    [["guidance"], 0, "guidance: found 0, expected a number above 0, or nothing"],
    [["guidance"], "3", 'guidance: found "3", expected a finite number'],
    [["prediction"], "score", 'prediction: found "score", expected "eps" or "x0" or "v"'],
    [
      ["schedule", "kind"],
      "cosine",
      'schedule.kind: found "cosine", expected "linear" or "betas" or "alphaBars"',
    ],
    [["schedule", "T"], 1e9, "schedule.T: found 1000000000, expected an integer in 1..65535"],
    [["schedule", "betaStart"], 2, "schedule.betaStart: found 2, expected a number above 0 and below 1"],
    [["optimizer"], "adam", 'optimizer: found "adam", expected an object'],
    [["optimizer", "name"], "", 'optimizer.name: found "", expected a text'],
    [
      ["optimizer", "options", "beta1"],
      "0.9",
      'optimizer.options["beta1"]: found "0.9", expected a number, true or false',
    ],
    [["optimizer", "groups"], {}, "optimizer.groups: found {}, expected an array"],
    [
      ["optimizer", "groups", 0, "match"],
      undefined,
      "optimizer.groups[0].match: found nothing, expected a text",
    ],
    [
      ["optimizer", "groups", 0, "learningRateScale"],
      true,
      "optimizer.groups[0].learningRateScale: found true, expected a finite number",
    ],
    [["optimizer", "groups", 1, "frozen"], 1, "optimizer.groups[1].frozen: found 1, expected true or false"],
    [["optimizer", "clip"], null, "optimizer.clip: found null, expected a finite number"],
    [["optimizer", "ema"], "0.9", 'optimizer.ema: found "0.9", expected a finite number'],
    [
      ["training", "learningRateSchedule", "kind"],
      "step",
      'training.learningRateSchedule.kind: found "step", expected "constant" or "linear" or "cosine"',
    ],
    [
      ["training", "learningRateSchedule", "warmupSteps"],
      -1,
      "training.learningRateSchedule.warmupSteps: found -1, expected an integer of 0 or more",
    ],
    [["state"], {}, "state: found {}, expected an array"],
    [["state", 0, "frozen"], false, "state[0].frozen: found false, expected true or nothing"],
    [
      ["state", 1, "frozen"],
      true,
      'state[1].frozen: found true, expected nothing: a tensor of kind "buffer" is not trained anyway',
    ],
    [
      ["state", 0, "frozen"],
      true,
      'state[2].of: found "conv.weight", expected the name of a trained parameter in state',
    ],
    [
      ["state", 0, "kind"],
      "weight",
      'state[0].kind: found "weight", expected "parameter" or "buffer" or "optimizer" or "average" or "counter"',
    ],
    [
      ["state", 0, "dtype"],
      "float64",
      'state[0].dtype: found "float64", expected "float32" or "float16" or "int32" or "int64" or "uint8" or "bool"',
    ],
    [["state", 3, "shape"], [-1], "state[3].shape[0]: found -1, expected a positive integer"],
    [["state", 0, "shape", 1], 2.5, "state[0].shape[1]: found 2.5, expected a positive integer"],
    [["state", 0, "shape", 1], "batch", 'state[0].shape[1]: found "batch", expected a positive integer'],
    [
      ["state", 1, "name"],
      "conv.weight",
      'state[1].name: found "conv.weight", expected a name that no tensor before it has',
    ],
    [
      ["state", 0, "initializer", "kind"],
      "zeros",
      'state[0].initializer.kind: found "zeros", expected "constant" or "uniform" or "normal"',
    ],
    [
      ["state", 0, "initializer", "high"],
      -1,
      "state[0].initializer.high: found -1, expected -0.25 or more, as low is",
    ],
    [
      ["state", 3, "initializer", "value"],
      0.5,
      "state[3].initializer.value: found 0.5, expected an integer for int32",
    ],
    [
      ["state", 3, "initializer", "kind"],
      "normal",
      'state[3].initializer.kind: found "normal", expected "constant" for int32',
    ],
    [["state", 2, "of"], undefined, "state[2].of: found nothing, expected a text"],
    [
      ["state", 2, "of"],
      "norm.running_var",
      'state[2].of: found "norm.running_var", expected the name of a trained parameter in state',
    ],
    [["state", 2, "shape"], [8], "state[2].shape: found [8], expected the shape of conv.weight, [8,3,4,4]"],
    [["state", 1, "kind"], "counter", 'state[1].dtype: found "float32", expected int32 for a counter'],
    [["state", 3, "shape"], [1], "state[3].shape: found [1], expected [] for a counter"],
    [
      ["state", 0, "kind"],
      "buffer",
      'state[2].of: found "conv.weight", expected the name of a trained parameter in state',
    ],
    [
      ["state", 3, "kind"],
      "parameter",
      'state[3].kind: found "parameter", expected the order parameters, buffers, optimizer tensors, averages, counter',
    ],
    [
      ["graphs", "training_step", "target"],
      "tpu",
      'graphs.training_step.target: found "tpu", expected "cpu" or "gpu"',
    ],
    [
      ["graphs", "training_step", "forms"],
      [{}],
      "graphs.training_step.forms[0].kernel: found nothing, expected an array",
    ],
    [
      ["graphs", "training_step", "file"],
      "other.onnx",
      'graphs.training_step.file: found "other.onnx", expected a file that is listed in files',
    ],
    [
      ["graphs", "training_step", "file"],
      "constructor",
      'graphs.training_step.file: found "constructor", expected a file that is listed in files',
    ],
    [
      ["graphs", "training_step", "inputs", 1, "shape", 0],
      0,
      "graphs.training_step.inputs[1].shape[0]: found 0, expected a positive integer or the name of a dimension",
    ],
    [
      ["graphs", "training_step", "inputs", 1, "name"],
      "conv.weight",
      'graphs.training_step.inputs[1].name: found "conv.weight", expected a name that no value before it has',
    ],
    [
      ["graphs", "training_step", "inputs", 0, "shape"],
      [8, 3, 4, 5],
      "graphs.training_step.inputs[0].shape: found [8,3,4,5], expected [8,3,4,4], as conv.weight in state",
    ],
    [
      ["graphs", "training_step", "outputs", 0, "dtype"],
      "int32",
      'graphs.training_step.outputs[0].dtype: found "int32", expected float32, as conv.weight in state',
    ],
    [
      ["timestep"],
      false,
      'graphs.inference_model.inputs[1].name: found "timestep", expected no such input, as timestep is false',
    ],
    [
      ["classes"],
      0,
      'graphs.inference_model.inputs[2].name: found "class_labels", expected no such input, as the network has no classes (classes is 0)',
    ],
    [
      ["graphs", "inference_model", "inputs", 1, "name"],
      "t",
      'graphs.inference_model.inputs: found [sample, t, class_labels], expected "timestep" among them, as timestep, classes and image say',
    ],
    [
      ["graphs", "inference_model", "inputs", 2, "dtype"],
      "float32",
      'graphs.inference_model.inputs[2].dtype: found "float32", expected int32 or int64',
    ],
    [
      ["graphs", "inference_model", "inputs", 1, "shape"],
      ["batch", 1],
      'graphs.inference_model.inputs[1].shape: found ["batch",1], expected ["batch"] or []',
    ],
    [
      ["graphs", "inference_model", "data"],
      ["weights.bin"],
      'graphs.inference_model.data[0]: found "weights.bin", expected a file that is listed in files',
    ],
    [
      ["schedule"],
      { kind: "betas", betas: [0.1, 1] },
      "schedule.betas[1]: found 1, expected a number above 0 and below 1",
    ],
    [
      ["schedule"],
      { kind: "betas", betas: [0.1], T: 2 },
      "schedule.T: found 2, expected 1, the number of betas",
    ],
    [
      ["schedule"],
      { kind: "alphaBars", alphaBars: [0.9, 0.9] },
      "schedule.alphaBars[1]: found 0.9, expected less than 0.9, the one before it",
    ],
    [
      ["arguments"],
      { names: { image: "x" } },
      'arguments.names["image"]: found "image", expected "sample" or "timestep" or "class_labels" or "out_sample"',
    ],
    [
      ["arguments"],
      { names: { timestep: "t" } },
      'graphs.inference_model.inputs: found [sample, timestep, class_labels], expected "t" among them, as timestep, classes and image say',
    ],
    [
      ["image", "width"],
      28,
      'graphs.inference_model.inputs[0].shape: found ["batch",3,32,32], expected ["batch",3,32,28]',
    ],
    [
      ["graphs", "inference_model", "outputs"],
      [],
      'graphs.inference_model.outputs: found [], expected "out_sample" among them, as timestep, classes and image say',
    ],
    [
      ["graphs", "inference_model", "inputs", 3],
      { name: "guidance", dtype: "float32", shape: [] },
      'graphs.inference_model.inputs[3].name: found "guidance", expected one of sample, timestep, class_labels',
    ],
    [["training", "loss"], null, "training.loss: found null, expected a finite number"],
    [
      ["training", "dataDigest"],
      "ABC",
      'training.dataDigest: found "ABC", expected a SHA-256 as 64 lower-case hexadecimal digits',
    ],
    [
      ["files", "training_step.onnx", "sha256"],
      DIGEST.toUpperCase(),
      `files["training_step.onnx"].sha256: found "${DIGEST.toUpperCase().slice(0, 59)}…, expected a SHA-256 as 64 lower-case hexadecimal digits`,
    ],
    [
      ["files", "training_step.onnx", "bytes"],
      -1,
      'files["training_step.onnx"].bytes: found -1, expected an integer of 0 or more',
    ],
    [
      ["files", "manifest.json"],
      { sha256: DIGEST, bytes: 1 },
      'files["manifest.json"]: found "the manifest itself", expected only the other files of the folder',
    ],
  ])("%j = %j", (path, value, message) => {
    expect(() => parseManifest(withField(path, value), WHERE)).toThrow(new UserError(`${WHERE}: ${message}`));
  });

  test("an average of an optimizer's tensor", () => {
    const { state } = manifest;
    const average: StateTensor = { ...state[2]!, name: "conv.weight.ema", kind: "average" };
    const withAverage = { ...manifest, state: [...state.slice(0, 3), average, state[3]!] };
    expect(parseManifest(withAverage, WHERE)).toEqual(withAverage);
    const wrong = {
      ...manifest,
      state: [...state.slice(0, 3), { ...average, of: "conv.weight.m" }, state[3]!],
    };
    expect(() => parseManifest(wrong, WHERE)).toThrow(
      `${WHERE}: state[3].of: found "conv.weight.m", expected the name of a trained parameter or a buffer in state`,
    );
  });

  test("two counters", () => {
    const state = [...manifest.state, { ...manifest.state[3], name: "step2" }];
    expect(() => parseManifest({ ...manifest, state }, WHERE)).toThrow(
      `${WHERE}: state[4].kind: found "counter", expected one counter at most`,
    );
  });
});

describe("what is no manifest at all", () => {
  test.each<[unknown, string]>([
    [null, "found null, expected an object"],
    [[], "found [], expected an object"],
    [undefined, "found nothing, expected an object"],
    ["", "found text that is not JSON (Unexpected end of JSON input), expected a manifest"],
  ])("%j", (source, message) => {
    expect(() => parseManifest(source, WHERE)).toThrow(new UserError(`${WHERE}: ${message}`));
  });

  test("a text cut off is named in one line", () => {
    const text = serializeManifest(manifest);
    expect(() => parseManifest(text.slice(0, 200), WHERE)).toThrow(/^models\/x\/manifest\.json: [^\n]+$/);
  });
});

describe("hostile folders", () => {
  test.each([
    "../secret",
    "a/b.onnx",
    "a\\b.onnx",
    "/etc/passwd",
    "C:model.onnx",
    "..",
    ".",
    ".hidden",
    "file.onnx.",
    "a\0b",
    "a\nb",
    "ü.onnx",
    "",
    "x".repeat(129),
    "__proto__",
  ])("the file name %j", (name) => {
    const files = JSON.parse(`{${JSON.stringify(name)}:{"sha256":"${DIGEST}","bytes":1}}`);
    expect(() => parseManifest({ ...manifest, files }, WHERE)).toThrow(/expected a plain file name/);
    const graph = { ...manifest.graphs.training_step, file: name };
    expect(() => parseManifest({ ...manifest, graphs: { training_step: graph } }, WHERE)).toThrow(
      /graphs\.training_step\.file: .*expected a plain file name/,
    );
  });

  test("a key __proto__ changes nothing but itself", () => {
    const text = JSON.stringify(manifest).replace('"bias":false', '"__proto__":{"polluted":true}');
    const { options } = parseManifest(text, WHERE).network;
    expect(Object.getPrototypeOf(options)).toBe(Object.prototype);
    expect(Object.keys(options)).toContain("__proto__");
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  test("options nested without end", () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    const text = JSON.stringify(manifest).replace('"bias":false', `"bias":${deep}`);
    expect(() => parseManifest(text, WHERE)).toThrow(
      /found a deeply nested array, expected a value nested at most 32/,
    );
  });
});

describe("writing", () => {
  test("each tensor, value and file stands in a line of its own; short values do not spread", () => {
    const lines = serializeManifest(manifest).split("\n");
    expect(lines[0]).toBe("{");
    expect(lines.at(-1)).toBe("");
    expect(lines).toContain('  "image": { "channels": 3, "height": 32, "width": 32, "range": [-1, 1] },');
    expect(lines).toContain(
      '    { "name": "norm.running_var", "kind": "buffer", "dtype": "float32", "shape": [8], "initializer": { "kind": "constant", "value": 1 } },',
    );
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(184);
  });

  test("the same text whatever the order of the fields", () => {
    const reversed = Object.fromEntries(
      Object.entries({
        ...manifest,
        files: Object.fromEntries(Object.entries(manifest.files).reverse()),
      }).reverse(),
    );
    expect(serializeManifest(parseManifest(reversed, WHERE))).toBe(serializeManifest(manifest));
    expect(serializeManifest(reversed as unknown as Manifest)).toBe(serializeManifest(manifest));
  });

  test("what could not be read back is not written", () => {
    expect(() => serializeManifest({ ...manifest, classes: Number.NaN })).toThrow(
      "manifest to write: classes: found NaN, expected an integer of 0 or more",
    );
  });

  // JSON has no -0: it would come back as 0
  const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => (x === 0 ? 0 : x));
  const initializer: fc.Arbitrary<Initializer> = fc.oneof(
    fc.record({ kind: fc.constant("constant" as const), value: number }),
    fc
      .tuple(number, number)
      .map(([a, b]) => ({ kind: "uniform" as const, low: Math.min(a, b), high: Math.max(a, b) })),
    fc.record({ kind: fc.constant("normal" as const), mean: number, std: number.map(Math.abs) }),
  );
  const state: fc.Arbitrary<StateTensor[]> = fc.uniqueArray(
    fc.record({
      name: fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }),
      kind: fc.constant("parameter" as const),
      dtype: fc.constant("float32" as const),
      shape: fc.array(fc.integer({ min: 1, max: 4096 }), { maxLength: 5 }),
      initializer,
    }),
    { selector: ({ name }) => name },
  );
  const positive = fc.integer({ min: 1, max: 10_000 });
  const manifests: fc.Arbitrary<Manifest> = fc.record(
    {
      format: fc.constant("onnx-diffusion" as const),
      version: fc.constant(1 as const),
      network: fc.record({
        name: fc.string({ minLength: 1 }),
        options: fc.dictionary(
          fc.string(),
          fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown),
        ),
      }),
      image: fc.record({
        channels: positive,
        height: positive,
        width: positive,
        range: fc.constantFrom([-1, 1] as const, [0, 1] as const),
      }),
      classes: fc.nat(),
      timestep: fc.boolean(),
      prediction: fc.constant("eps" as const),
      schedule: fc.record({
        kind: fc.constant("linear" as const),
        T: fc.integer({ min: 1, max: 1000 }),
        betaStart: fc.double({ min: 1e-9, max: 1e-3, noNaN: true }),
        betaEnd: fc.double({ min: 1e-3, max: 0.05, noNaN: true }),
      }),
      state,
      graphs: fc.constantFrom({}, { training_step: manifest.graphs.training_step! }),
      training: fc.constant(manifest.training!),
      guidance: fc.double({ min: 0.1, max: 20, noNaN: true }),
      files: fc
        .dictionary(
          fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,20}$/),
          fc.record({ sha256: fc.constant(DIGEST), bytes: fc.nat() }),
        )
        .map((files) => ({ ...manifest.files, ...files })),
    },
    {
      requiredKeys: [
        "format",
        "version",
        "network",
        "image",
        "classes",
        "timestep",
        "prediction",
        "schedule",
        "state",
        "graphs",
        "files",
      ],
    },
  );

  test("what is written is read back", () => {
    fc.assert(
      fc.property(manifests, (some) => {
        const names = new Set(some.state.map(({ name }) => name));
        fc.pre(!names.has("conv.weight") && !names.has("images"));
        const text = serializeManifest(some);
        expect(parseManifest(text, WHERE)).toEqual(some);
        expect(serializeManifest(parseManifest(text, WHERE))).toBe(text);
      }),
      { numRuns: 200 },
    );
  });
});
