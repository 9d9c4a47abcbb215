/** What was measured, as lines of text. */

import { CONVOLUTION_FORMS, type ConvolutionForm } from "@onnx-diffusion/diffusion";
import type { Convolution } from "@onnx-diffusion/graph-builder";
import { alignedColumns } from "../columns.js";

/** The forms of a convolution, measured. */
export interface TunedConvolution {
  readonly convolution: Convolution;
  /** Median milliseconds of each form that can compute it. */
  readonly ms: Readonly<Partial<Record<ConvolutionForm, number>>>;
  readonly usual: ConvolutionForm;
  readonly chosen: ConvolutionForm;
}

/** A row for each shape: milliseconds of value and gradients in each form, and the one that it takes. */
export function tunedLines(tuned: readonly TunedConvolution[]): string[] {
  const rows = tuned.map(({ convolution, ms, usual, chosen }) => [
    layerText(convolution),
    ...CONVOLUTION_FORMS.map((form) => ms[form]?.toFixed(2) ?? ""),
    chosen === usual ? chosen : `${chosen}, not ${usual}`,
  ]);
  const head = ["ms for value and gradients", ...CONVOLUTION_FORMS, "takes"];
  return alignedColumns([head, ...rows], [0, head.length - 1]);
}

/** `4-2-1 32x32x3 → 16x16x72`: kernel, stride, pad, and what goes in and comes out. */
export function layerText({
  side,
  kernel,
  stride,
  pad,
  large,
  small,
  channels,
  filters,
  count,
}: Convolution): string {
  const [kh, kw] = kernel;
  const sides = [[...large, channels].join("x"), [...small, filters].join("x")];
  const [from, to] = side === "large" ? sides : sides.reverse();
  const transposed = side === "small" ? " transposed" : "";
  const times = count === 1 ? "" : `, ${count} times`;
  return `${kh === kw ? kh : kernel.join("x")}-${stride}-${pad}${transposed} ${from} → ${to}${times}`;
}

/** Milliseconds of all convolutions of a step together, in the forms that `form` names. */
export const stepTime = (
  tuned: readonly TunedConvolution[],
  form: (row: TunedConvolution) => ConvolutionForm,
): number => tuned.reduce((sum, row) => sum + row.ms[form(row)]! * row.convolution.count, 0);
