/** The forms' names and what each is: all that the command line needs, which must not load ONNX. */
export const FORM_SUMMARIES = {
  onnx: "graph and float32 weights in two files",
  single: "one ONNX file with the float32 weights inside",
  "fp16-weights": "weights in float16, computing in float32: half the size",
} as const;

/** A form's name. */
export type FormName = keyof typeof FORM_SUMMARIES;
