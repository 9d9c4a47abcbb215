/**
 * Operators that ONNX Runtime 1.30 has CUDA kernels for, as far as training graphs use them, with the element types of
 * their first operand and the newest operator set. Loop to Reshape were compared with OperatorKernels.md of its sources
 * ("Operators implemented by CUDAExecutionProvider"); the others are not yet compared entry by entry. A node whose type is not here would run on the CPU, with copies before and after it.
 */
const FLOATS = ["float32", "float64", "float16"];
const NUMBERS = [...FLOATS, "int32", "int64", "uint32", "uint64"];
const ALL = [...NUMBERS, "int8", "uint8", "int16", "uint16", "bool"];

export const CUDA_KERNELS: Readonly<Record<string, readonly string[]>> = {
  Add: NUMBERS,
  Cast: ALL,
  Concat: ALL,
  Conv: FLOATS,
  ConvTranspose: FLOATS,
  Cos: FLOATS,
  Div: NUMBERS,
  Equal: ["bool", "int32", "int64", ...FLOATS],
  Exp: FLOATS,
  Expand: ALL,
  Gather: ALL,
  Gemm: FLOATS,
  Greater: NUMBERS,
  Identity: ALL,
  Loop: ALL,
  MatMul: FLOATS,
  Mul: NUMBERS,
  Neg: ["int8", "int32", "int64", ...FLOATS],
  Pad: [...FLOATS, "bool"],
  Reciprocal: FLOATS,
  ReduceMean: ["int32", ...FLOATS],
  ReduceSum: ["int32", "int64", ...FLOATS],
  Relu: FLOATS,
  Reshape: ALL,
  Sigmoid: FLOATS,
  Sin: FLOATS,
  Slice: ALL,
  Split: ALL,
  Sqrt: FLOATS,
  Sub: NUMBERS,
  Tanh: FLOATS,
  Transpose: ALL,
  // Of its condition.
  Where: ["bool"],
};

/** Operators that CUDA has kernels for, but whose results lie in the host's memory: what follows would be copied. */
export const ON_HOST: readonly string[] = ["Shape", "Size"];
