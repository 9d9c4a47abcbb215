import { readFormChoices } from "./convolution-forms.js";
import { UserError } from "./errors.js";
import {
  type At,
  entries,
  fail,
  field,
  finite,
  flag,
  integer,
  items,
  json,
  oneOf,
  parseJson,
  record,
  text,
} from "./json-reader.js";
import {
  ARGUMENT_NAMES,
  type ArgumentName,
  type Dim,
  type DType,
  type FileDigest,
  GRAPH_NAMES,
  type GraphSpec,
  type Initializer,
  type KnownAnswer,
  LEARNING_RATE_SCHEDULES,
  type LearningRateSchedule,
  MANIFEST_VERSION,
  type Manifest,
  type NetworkArguments,
  type ScheduleSpec,
  type StateTensor,
  type TrainingRecord,
  type ValueSpec,
} from "./manifest.js";
import { checkManifest } from "./manifest-checks.js";
import { readOptimizer } from "./parse-optimizer.js";
import { PREDICTIONS } from "./prediction.js";
import { scheduleOf } from "./schedule.js";

const DTYPES = Object.keys({
  float32: true,
  float16: true,
  int32: true,
  int64: true,
  uint8: true,
  bool: true,
} satisfies Record<DType, true>) as DType[];

/**
 * Reads a manifest from a text or from what `JSON.parse` gave. Trusts nothing: the folder may come from anywhere.
 * Fields that this version does not know are left out.
 *
 * @param source the text of `manifest.json`, or its parsed value.
 * @param where what errors call it, such as the file's path.
 * @throws UserError that names the field's path, what was found and what was expected.
 */
export function parseManifest(source: unknown, where: string): Manifest {
  const at: At = {
    value: typeof source === "string" ? parseJson(source, where, "a manifest") : source,
    where,
    path: "",
  };
  // format and version first: of another format nothing else can be said
  oneOf(field(at, "format"), ["onnx-diffusion"]);
  const version = field(at, "version");
  if (integer(version, 1) > MANIFEST_VERSION) {
    fail(version, `${MANIFEST_VERSION} or less: a newer onnx-diffusion wrote this folder; update to read it`);
  }
  const callArguments = field(at, "arguments");
  const optimizer = field(at, "optimizer");
  const training = field(at, "training");
  const knownAnswer = field(at, "knownAnswer");
  const guidance = field(at, "guidance");
  const manifest: Manifest = {
    format: "onnx-diffusion",
    version: MANIFEST_VERSION,
    network: {
      name: text(field(field(at, "network"), "name")),
      options: record(field(field(at, "network"), "options"), (option) => json(option)),
    },
    image: readImage(field(at, "image")),
    classes: integer(field(at, "classes"), 0),
    timestep: flag(field(at, "timestep")),
    prediction: oneOf(field(at, "prediction"), PREDICTIONS),
    schedule: readSchedule(field(at, "schedule")),
    ...(callArguments.value === undefined ? {} : { arguments: readArguments(callArguments) }),
    ...(optimizer.value === undefined ? {} : { optimizer: readOptimizer(optimizer) }),
    state: items(field(at, "state")).map(readStateTensor),
    graphs: readGraphs(field(at, "graphs")),
    ...(training.value === undefined ? {} : { training: readTraining(training) }),
    ...(knownAnswer.value === undefined ? {} : { knownAnswer: readKnownAnswer(knownAnswer) }),
    ...(guidance.value === undefined ? {} : { guidance: readGuidance(guidance) }),
    files: readFiles(field(at, "files")),
  };
  checkManifest(manifest, where);
  return manifest;
}

function readImage(at: At): Manifest["image"] {
  const range = field(at, "range");
  const [low, high, more] = items(range).map((end) => finite(end));
  if (low === undefined || high === undefined || more !== undefined || low >= high) {
    return fail(range, "two numbers, the lower one first");
  }
  return {
    channels: integer(field(at, "channels"), 1),
    height: integer(field(at, "height"), 1),
    width: integer(field(at, "width"), 1),
    range: [low, high],
  };
}

function readSchedule(at: At): ScheduleSpec {
  const spec = readScheduleSpec(at);
  try {
    scheduleOf(spec);
  } catch (cause) {
    // its errors begin with `schedule.T` and the like, which is the path here too
    throw cause instanceof UserError ? new UserError(`${at.where}: ${cause.message}`, { cause }) : cause;
  }
  return spec;
}

function readScheduleSpec(at: At): ScheduleSpec {
  const kind = oneOf(field(at, "kind"), ["linear", "betas", "alphaBars"]);
  switch (kind) {
    case "linear":
      return {
        kind,
        T: integer(field(at, "T"), 1),
        betaStart: finite(field(at, "betaStart")),
        betaEnd: finite(field(at, "betaEnd")),
      };
    case "betas":
      return { kind, ...readLevels(at, "betas") };
    case "alphaBars":
      return { kind, ...readLevels(at, "alphaBars") };
  }
}

/** A number for each level, which say T; where T is given as well, it must be that. */
function readLevels<Name extends "betas" | "alphaBars">(at: At, name: Name) {
  const levels = items(field(at, name)).map((level) => finite(level));
  const T = field(at, "T");
  if (T.value !== undefined && T.value !== levels.length) fail(T, `${levels.length}, the number of ${name}`);
  return { T: levels.length, [name]: levels } as { T: number } & Record<Name, number[]>;
}

function readArguments(at: At): NetworkArguments {
  const [names, first, scale] = [field(at, "names"), field(at, "firstTimestep"), field(at, "timestepScale")];
  return {
    ...(names.value === undefined ? {} : { names: readNames(names) }),
    ...(first.value === undefined ? {} : { firstTimestep: finite(first) }),
    ...(scale.value === undefined ? {} : { timestepScale: finite(scale) }),
  };
}

function readNames(at: At): NonNullable<NetworkArguments["names"]> {
  const given = entries(at).map(([role, name]): [ArgumentName, string] => [
    oneOf({ ...name, value: role }, ARGUMENT_NAMES),
    text(name),
  ]);
  return Object.fromEntries(given);
}

function readStateTensor(at: At): StateTensor {
  const kind = oneOf(field(at, "kind"), ["parameter", "buffer", "optimizer", "average", "counter"]);
  const frozen = field(at, "frozen");
  const dtype = oneOf(field(at, "dtype"), DTYPES);
  return {
    name: text(field(at, "name")),
    kind,
    dtype,
    shape: items(field(at, "shape")).map((dim) => integer(dim, 1)),
    initializer: readInitializer(field(at, "initializer"), dtype),
    ...(kind === "optimizer" || kind === "average" ? { of: text(field(at, "of")) } : {}),
    ...(frozen.value === undefined ? {} : { frozen: readFrozen(frozen, kind) }),
  };
}

function readFrozen(at: At, kind: StateTensor["kind"]): true {
  if (kind !== "parameter") fail(at, `nothing: a tensor of kind "${kind}" is not trained anyway`);
  return at.value === true ? true : fail(at, "true or nothing");
}

function readInitializer(at: At, dtype: DType): Initializer {
  const kind = oneOf(field(at, "kind"), ["constant", "uniform", "normal"]);
  if (kind !== "constant" && dtype !== "float32") fail(field(at, "kind"), `"constant" for ${dtype}`);
  switch (kind) {
    case "constant": {
      const value = field(at, "value");
      const isFloat = dtype === "float32" || dtype === "float16";
      if (!isFloat && !Number.isSafeInteger(value.value)) fail(value, `an integer for ${dtype}`);
      return { kind, value: finite(value) };
    }
    case "uniform": {
      const low = finite(field(at, "low"));
      const high = finite(field(at, "high"));
      if (low > high) fail(field(at, "high"), `${low} or more, as low is`);
      return { kind, low, high };
    }
    case "normal": {
      const mean = finite(field(at, "mean"));
      const std = finite(field(at, "std"));
      if (std < 0) fail(field(at, "std"), "0 or more");
      return { kind, mean, std };
    }
  }
}

function readGraphs(at: At): Manifest["graphs"] {
  const graphs: Partial<Record<(typeof GRAPH_NAMES)[number], GraphSpec>> = {};
  for (const name of GRAPH_NAMES) {
    const graph = field(at, name);
    if (graph.value !== undefined) graphs[name] = readGraph(graph);
  }
  return graphs;
}

function readGraph(at: At): GraphSpec {
  const [data, forms] = [field(at, "data"), field(at, "forms")];
  return {
    file: fileName(field(at, "file")),
    target: oneOf(field(at, "target"), ["cpu", "gpu"]),
    ...(forms.value === undefined ? {} : { forms: readFormChoices(forms) }),
    inputs: readValues(field(at, "inputs")),
    outputs: readValues(field(at, "outputs")),
    ...(data.value === undefined ? {} : { data: items(data).map(fileName) }),
  };
}

function readValues(at: At): ValueSpec[] {
  const names = new Set<string>();
  return items(at).map((value) => {
    const name = text(field(value, "name"));
    if (names.has(name)) fail(field(value, "name"), "a name that no value before it has");
    names.add(name);
    return {
      name,
      dtype: oneOf(field(value, "dtype"), DTYPES),
      shape: items(field(value, "shape")).map(readDim),
    };
  });
}

function readDim(at: At): Dim {
  const { value } = at;
  if (typeof value === "string" && value !== "") return value;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return value;
  return fail(at, "a positive integer or the name of a dimension");
}

function readTraining(at: At): TrainingRecord {
  const rates = field(at, "learningRateSchedule");
  return {
    data: text(field(at, "data")),
    dataDigest: sha256(field(at, "dataDigest")),
    steps: integer(field(at, "steps"), 0),
    batch: integer(field(at, "batch"), 1),
    learningRate: finite(field(at, "learningRate")),
    ...(rates.value === undefined ? {} : { learningRateSchedule: readRates(rates) }),
    seed: integer(field(at, "seed"), 0),
    loss: finite(field(at, "loss")),
    device: text(field(at, "device")),
  };
}

function readRates(at: At): LearningRateSchedule {
  return {
    kind: oneOf(field(at, "kind"), LEARNING_RATE_SCHEDULES),
    warmupSteps: integer(field(at, "warmupSteps"), 0),
    steps: integer(field(at, "steps"), 0),
  };
}

function readKnownAnswer(at: At): KnownAnswer {
  return {
    seed: integer(field(at, "seed"), 0),
    timestep: integer(field(at, "timestep"), 1),
    classLabel: integer(field(at, "classLabel"), 0),
    values: items(field(at, "values")).map((value) => finite(value)),
  };
}

function readGuidance(at: At): number {
  const weight = finite(at);
  return weight > 0 ? weight : fail(at, "a number above 0, or nothing");
}

function readFiles(at: At): Manifest["files"] {
  const files = entries(at).map(([name, file]): [string, FileDigest] => [
    fileName({ ...file, value: name }),
    { sha256: sha256(field(file, "sha256")), bytes: integer(field(file, "bytes"), 0) },
  ]);
  return Object.fromEntries(files.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A file beside the manifest, and nowhere else: whoever wrote the manifest must not reach other folders. */
function fileName(at: At): string {
  const { value } = at;
  if (typeof value === "string" && /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(value) && !value.endsWith(".")) {
    return value;
  }
  return fail(
    at,
    "a plain file name of at most 128 letters, digits, '.', '_' and '-', a letter or digit first, no '.' last",
  );
}

function sha256(at: At): string {
  const { value } = at;
  if (typeof value === "string" && /^[0-9a-f]{64}$/.test(value)) return value;
  return fail(at, "a SHA-256 as 64 lower-case hexadecimal digits");
}
