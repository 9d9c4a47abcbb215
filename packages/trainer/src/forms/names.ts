/** The forms' names and what each is: all that the command line needs, which must not load ONNX. */
export const FORM_SUMMARIES = {
  onnx: "graph and float32 weights in two files",
  single: "one ONNX file with the float32 weights inside",
  "fp16-weights": "weights in float16, computing in float32: half the size",
  fp16: "computing in float16, for GPUs: half the size",
  "int8-weights": "weights in int8, computing in float32: a quarter of the size",
  "state-dict": "PyTorch's state_dict as safetensors",
  huggingface: "laid out like a repository of diffusers, without a pipeline",
  sampler: "one ONNX file that draws: noise or a seed and labels in, images out",
} as const;

/** A form's name. */
export type FormName = keyof typeof FORM_SUMMARIES;
