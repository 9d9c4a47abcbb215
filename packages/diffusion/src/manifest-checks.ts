import { type At, fail } from "./json-reader.js";
import {
  type ArgumentName,
  GRAPH_NAMES,
  type GraphName,
  type GraphSpec,
  type Manifest,
  type StateTensor,
  type ValueSpec,
} from "./manifest.js";

const KIND_ORDER = ["parameter", "buffer", "optimizer", "average", "counter"] as const;
/** What a tensor of these kinds may belong to, in words. */
const OWNERS = {
  optimizer: { kinds: ["parameter"], words: "a trained parameter" },
  average: { kinds: ["parameter", "buffer"], words: "a trained parameter or a buffer" },
} as const satisfies Partial<Record<StateTensor["kind"], unknown>>;

/**
 * What must hold between the fields of a manifest, each of which is right by itself.
 *
 * @throws UserError that names the field's path, what was found and what was expected.
 */
export function checkManifest(manifest: Manifest, where: string): void {
  if (Object.hasOwn(manifest.files, "manifest.json")) {
    fail(place(where, `files["manifest.json"]`, "the manifest itself"), "only the other files of the folder");
  }
  checkState(manifest, where);
  for (const name of GRAPH_NAMES) {
    const graph = manifest.graphs[name];
    if (graph !== undefined) checkGraph(manifest, name, graph, where);
  }
}

function place(where: string, path: string, value: unknown): At {
  return { where, path, value };
}

function checkState({ state }: Manifest, where: string): void {
  const names = new Set<string>();
  const byName = new Map(state.map((t) => [t.name, t]));
  for (const [i, tensor] of state.entries()) {
    const path = `state[${i}]`;
    if (names.has(tensor.name)) {
      fail(place(where, `${path}.name`, tensor.name), "a name that no tensor before it has");
    }
    names.add(tensor.name);

    const before = state[i - 1];
    if (before !== undefined && KIND_ORDER.indexOf(tensor.kind) < KIND_ORDER.indexOf(before.kind)) {
      fail(
        place(where, `${path}.kind`, tensor.kind),
        "the order parameters, buffers, optimizer tensors, averages, counter",
      );
    }
    if (tensor.kind === "optimizer" || tensor.kind === "average") {
      const { kinds, words } = OWNERS[tensor.kind];
      const owner = byName.get(tensor.of ?? "");
      if (owner === undefined || owner.frozen || !kinds.some((kind) => kind === owner.kind)) {
        fail(place(where, `${path}.of`, tensor.of), `the name of ${words} in state`);
      }
      if (!sameShape(tensor.shape, owner.shape)) {
        fail(
          place(where, `${path}.shape`, tensor.shape),
          `the shape of ${owner.name}, ${JSON.stringify(owner.shape)}`,
        );
      }
    }
    if (tensor.kind === "counter") {
      if (before?.kind === "counter") fail(place(where, `${path}.kind`, tensor.kind), "one counter at most");
      if (tensor.dtype !== "int32") fail(place(where, `${path}.dtype`, tensor.dtype), "int32 for a counter");
      if (tensor.shape.length !== 0) fail(place(where, `${path}.shape`, tensor.shape), "[] for a counter");
    }
  }
}

function checkGraph(manifest: Manifest, name: GraphName, graph: GraphSpec, where: string): void {
  const path = `graphs.${name}`;
  if (!Object.hasOwn(manifest.files, graph.file)) {
    fail(place(where, `${path}.file`, graph.file), "a file that is listed in files");
  }
  for (const [i, file] of (graph.data ?? []).entries()) {
    if (!Object.hasOwn(manifest.files, file)) {
      fail(place(where, `${path}.data[${i}]`, file), "a file that is listed in files");
    }
  }
  // a graph that carries state takes it as `X` and gives it back as `X.next`
  const state = new Map(
    manifest.state.flatMap((t) => [[t.name, t] as const, [`${t.name}.next`, t] as const]),
  );
  for (const side of ["inputs", "outputs"] as const) {
    for (const [i, value] of graph[side].entries()) {
      const tensor = state.get(value.name);
      if (tensor === undefined) continue;
      const valuePath = `${path}.${side}[${i}]`;
      if (value.dtype !== tensor.dtype) {
        fail(place(where, `${valuePath}.dtype`, value.dtype), `${tensor.dtype}, as ${tensor.name} in state`);
      }
      if (!sameShape(value.shape, tensor.shape)) {
        fail(
          place(where, `${valuePath}.shape`, value.shape),
          `${JSON.stringify(tensor.shape)}, as ${tensor.name} in state`,
        );
      }
    }
  }
  if (name === "inference_model") checkInference(manifest, graph, path, where);
}

/** The arguments of the network that the page and the command feed by name. */
function checkInference(manifest: Manifest, graph: GraphSpec, path: string, where: string): void {
  const { channels, height, width } = manifest.image;
  const image: Expectation = { dtypes: ["float32"], shapes: [[undefined, channels, height, width]] };
  const inputs = {
    sample: image,
    timestep: manifest.timestep ? TIMESTEP : undefined,
    class_labels: manifest.classes > 0 ? LABELS : undefined,
  };
  const named = (role: ArgumentName): string => manifest.arguments?.names?.[role] ?? role;
  const roles = Object.keys(inputs) as (keyof typeof inputs)[];
  for (const role of roles) {
    checkValue(graph.inputs, named(role), inputs[role], {
      at: place(where, `${path}.inputs`, graph.inputs),
      unwanted: role === "timestep" ? "as timestep is false" : "as the network has no classes (classes is 0)",
    });
  }
  for (const [i, { name }] of graph.inputs.entries()) {
    if (roles.some((role) => named(role) === name)) continue;
    fail(place(where, `${path}.inputs[${i}].name`, name), `one of ${roles.map(named).join(", ")}`);
  }
  checkValue(graph.outputs, named("out_sample"), image, {
    at: place(where, `${path}.outputs`, graph.outputs),
    unwanted: "",
  });
}

/** A value's dtype and sizes, the first of each the usual one; undefined stands for any size or name. */
interface Expectation {
  readonly dtypes: readonly ValueSpec["dtype"][];
  readonly shapes: readonly (readonly (number | undefined)[])[];
}

/** Networks that were made elsewhere take one for all images as well, as a scalar or a list of one. */
const TIMESTEP: Expectation = {
  dtypes: ["int32", "int64", "float32", "float16"],
  shapes: [[undefined], []],
};
const LABELS: Expectation = { dtypes: ["int32", "int64"], shapes: [[undefined]] };

function checkValue(
  values: readonly ValueSpec[],
  name: string,
  expected: Expectation | undefined,
  { at, unwanted }: { at: At; unwanted: string },
): void {
  const i = values.findIndex((value) => value.name === name);
  const value = values[i];
  if (value === undefined) {
    if (expected === undefined) return;
    const found = `[${values.map((v) => v.name).join(", ")}]`;
    fail(at, `"${name}" among them, as timestep, classes and image say`, found);
  }
  if (expected === undefined) {
    fail(place(at.where, `${at.path}[${i}].name`, name), `no such input, ${unwanted}`);
  }
  if (!expected.dtypes.includes(value.dtype)) {
    fail(place(at.where, `${at.path}[${i}].dtype`, value.dtype), expected.dtypes.join(" or "));
  }
  const fits = (sizes: readonly (number | undefined)[]): boolean =>
    value.shape.length === sizes.length &&
    value.shape.every((dim, d) => typeof dim === "string" || (sizes[d] ?? dim) === dim);
  if (!expected.shapes.some(fits)) {
    const shapes = expected.shapes.map((sizes) => `[${sizes.map((size) => size ?? `"batch"`).join(",")}]`);
    fail(place(at.where, `${at.path}[${i}].shape`, value.shape), shapes.join(" or "));
  }
}

function sameShape(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}
