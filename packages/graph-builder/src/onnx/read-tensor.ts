/** TensorProto -> the elements, or the place in another file where they lie. */
import { formatShape, MOST_AXES } from "../dim.js";
import {
  bytesPerElement,
  type DType,
  dtypeFromOnnx,
  dtypeName,
  fromStored,
  type TypedArray,
  viewBytes,
} from "../dtype.js";
import { GraphError, quote } from "../errors.js";
import type { ModelInitializer } from "../model.js";
import type { ExternalData } from "../tensor.js";
import { checkLocation } from "./external-data.js";
import type { TensorProto } from "./schema.js";

const EXTERNAL = 1;

/** @throws GraphError for element types that the builder has not, and where data and shape do not agree. */
export function readTensor(tensor: TensorProto, role: string): ModelInitializer {
  const { name = "", dataType = 0 } = tensor;
  const where = name === "" ? role : `${role} ${quote(name)}`;
  const dtype = dtypeFromOnnx(dataType);
  if (!dtype) throw new GraphError(`${where}: element type ${dtypeName(dataType)} is not supported`);
  if (tensor.segment) throw new GraphError(`${where}: it is stored in segments, which is not supported`);
  const shape = readShape(tensor, dtype, where);
  const size = shape.reduce((a, b) => a * b, bytesPerElement(dtype));
  return {
    name,
    dtype,
    shape,
    data:
      tensor.dataLocation === EXTERNAL
        ? readPlace(tensor, size, where)
        : readElements(tensor, dtype, shape, where),
  };
}

function readShape({ dims }: TensorProto, dtype: DType, where: string): number[] {
  if (!dims) return [];
  const shape = Array.from(dims.subarray(0, MOST_AXES), Number);
  const size = shape.reduce((a, b) => a * b, bytesPerElement(dtype));
  const possible = [...shape, size].every((n) => n >= 0 && n <= Number.MAX_SAFE_INTEGER);
  if (possible && dims.length <= MOST_AXES) return shape;
  throw new GraphError(
    `${where}: no tensor has the shape [${shape.slice(0, 8).join(", ")}${shape.length > 8 ? ", …" : ""}]; the file is damaged`,
  );
}

/** The entries of external_data, as ONNX's docs/ExternalData.md has them. */
function readPlace(tensor: TensorProto, size: number, where: string): ExternalData {
  const entries = new Map((tensor.externalData ?? []).map(({ key = "", value = "" }) => [key, value]));
  const number = (key: string, usual: number): number => {
    const text = entries.get(key);
    if (text === undefined) return usual;
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
    throw new GraphError(
      `${where}: external data has the ${key} ${quote(text)}, expected a whole number of bytes`,
    );
  };
  const location = checkLocation(entries.get("location"), where);
  const [offset, length] = [number("offset", 0), number("length", size)];
  if (length !== size)
    throw new GraphError(
      `${where}: external data of ${length} bytes, but its type and shape need ${size}; export the model again`,
    );
  return { location, offset, length };
}

function readElements(
  tensor: TensorProto,
  dtype: DType,
  shape: readonly number[],
  where: string,
): TypedArray {
  const count = shape.reduce((a, b) => a * b, 1);
  const raw = tensor.rawData;
  if (raw && raw.length > 0) {
    const size = count * bytesPerElement(dtype);
    if (raw.length === size) return viewBytes(dtype, raw);
    throw new GraphError(
      `${where}: ${raw.length} bytes for ${dtype} ${formatShape(shape)}, expected ${size}; the file is damaged`,
    );
  }
  const typed = typedData(tensor, dtype);
  if (typed.length !== count)
    throw new GraphError(
      `${where}: ${typed.length} values for ${dtype} ${formatShape(shape)}, expected ${count}; the file is damaged`,
    );
  return fromStored(dtype, typed);
}

/** The field in which onnx.proto keeps numbers of a type that are not written as raw bytes. */
function typedData(tensor: TensorProto, dtype: DType): TypedArray {
  switch (dtype) {
    case "float32":
      return tensor.floatData ?? new Float32Array(0);
    case "float64":
      return tensor.doubleData ?? new Float64Array(0);
    case "int64":
      return tensor.int64Data ?? new BigInt64Array(0);
    case "uint64":
    case "uint32":
      return tensor.uint64Data ?? new BigUint64Array(0);
    default:
      return tensor.int32Data ?? new Int32Array(0);
  }
}
