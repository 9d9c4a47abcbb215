/** PyTorch's weights (a `state_dict` saved as safetensors) and a network's parameters and buffers, both ways. */
import { UserError } from "./errors.js";
import { fromBfloat16, fromHalf, widened } from "./half.js";
import type { StateTensor } from "./manifest.js";
import { decodeSafetensors, encodeSafetensors, type SafetensorsTensor } from "./safetensors.js";
import { SAFETENSORS_DTYPE } from "./safetensors-layout.js";

/** What the file is called, and how its names begin. */
export interface StateDictOptions {
  /** What errors call the file, such as its path. */
  readonly where?: string;
  /**
   * What stands before every name in the file: `module.` of DataParallel, `_orig_mod.` of torch.compile, `unet.` where
   * the network is part of another. Tensors without it are left unread. Default: nothing.
   */
  readonly prefix?: string;
}

/** Parameters and buffers: what PyTorch's `state_dict` has. */
const inStateDict = ({ kind }: StateTensor): boolean => kind === "parameter" || kind === "buffer";

/**
 * The values of a network's parameters and buffers from the bytes of a safetensors file, by name, as
 * `load_state_dict(strict=True)` takes them. float16, bfloat16 and float64 become float32; BatchNorm's counts
 * (`num_batches_tracked`) are not used here and passed over.
 *
 * @param state what training carries (`manifest.state`, `describeTraining(...).state`), in which the values are sought.
 * @throws UserError naming the tensors that are missing, of no use, or of another shape or type.
 */
export function decodeStateDict(
  bytes: Uint8Array,
  state: readonly StateTensor[],
  { where = "state_dict", prefix = "" }: StateDictOptions = {},
): Map<string, Float32Array<ArrayBuffer>> {
  const all = [...decodeSafetensors(bytes, where).tensors];
  const found = new Map(
    all
      .filter(([name]) => name.startsWith(prefix) && !/(^|\.)num_batches_tracked$/.test(name))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  );
  const wanted = state.filter(inStateDict);
  const names = new Set(wanted.map(({ name }) => name));
  const missing = wanted.filter(({ name }) => !found.has(name)).map(({ name }) => name);
  const unexpected = [...found.keys()].filter((name) => !names.has(name));
  const values = new Map<string, Float32Array<ArrayBuffer>>();
  const problems: string[] = [];
  for (const { name, shape } of wanted) {
    const tensor = found.get(name);
    if (tensor === undefined) continue;
    const floats = toFloats(tensor);
    if (floats === undefined) problems.push(`"${name}" is ${tensor.dtype}, expected F32, F16, BF16 or F64`);
    else if (JSON.stringify(tensor.shape) !== JSON.stringify(shape)) {
      problems.push(`"${name}" is [${tensor.shape}], expected [${shape}]`);
    } else values.set(name, floats);
  }
  if (missing.length + unexpected.length + problems.length === 0) return values;
  const told = [
    ...(missing.length > 0 ? [`missing: ${list(missing)}`] : []),
    ...(unexpected.length > 0 ? [`not of this network: ${list(unexpected)}`] : []),
    ...(problems.length > 0 ? [list(problems)] : []),
  ];
  throw new UserError(
    `${where}: the weights do not fit the network: ${told.join("; ")}; ${remedy(names, found)}`,
  );
}

/**
 * The bytes of a safetensors file with a network's parameters and buffers, which `load_state_dict(strict=True)` of the
 * same network in PyTorch takes. In the order of `state`: what `inference_model.onnx` expects in `weights.safetensors`.
 *
 * @param values by name; more than is needed may be there.
 * @param metadata texts about the file, by name. With any the values begin elsewhere than an emitted
 *   `inference_model.onnx` looks for them.
 * @throws UserError if a value is missing or has not as many elements as its shape says.
 */
export function encodeStateDict(
  values: ReadonlyMap<string, Float32Array | Int32Array>,
  state: readonly StateTensor[],
  metadata?: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  return encodeSafetensors(
    state.filter(inStateDict).map(({ name, dtype, shape }) => {
      const data = values.get(name);
      if (data === undefined) throw new UserError(`state_dict: there is no value for "${name}"; give one`);
      return { name, dtype: SAFETENSORS_DTYPE[dtype], shape, data };
    }),
    metadata,
  );
}

/** A copy as float32; undefined for integers. */
function toFloats({ dtype, data }: SafetensorsTensor): Float32Array<ArrayBuffer> | undefined {
  switch (dtype) {
    case "F32":
    case "F64":
      return new Float32Array(data as Float32Array | Float64Array);
    case "F16":
      return widened(data as Uint16Array, fromHalf);
    case "BF16":
      return widened(data as Uint16Array, fromBfloat16);
    default:
      return undefined;
  }
}

/** The first few, and how many more there are. */
function list(items: readonly string[]): string {
  const more = items.length - 3;
  return more > 0 ? `${items.slice(0, 3).join(", ")} and ${more} more` : items.join(", ");
}

/** Whether all would be there with a prefix, and what to do if not. */
function remedy(names: ReadonlySet<string>, found: ReadonlyMap<string, unknown>): string {
  const [first] = names;
  const prefixes = [...found.keys()]
    .filter((key) => key.endsWith(`.${first}`))
    .map((key) => key.slice(0, -first!.length));
  const fits = prefixes.find((prefix) => [...names].every((name) => found.has(prefix + name)));
  return fits === undefined
    ? "make the network with the options that the weights were trained with"
    : `every name begins with "${fits}", give that as the prefix`;
}
