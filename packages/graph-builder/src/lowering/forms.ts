/** The form of a convolution's products on CPUs: by a fixed rule, or by a table that was measured. */
import {
  CONVOLUTION_FORMS,
  type ConvolutionForm,
  type ConvolutionShape,
  type FormChoice,
  shapeKey,
} from "@onnx-diffusion/diffusion";
import { GraphError } from "../errors.js";
import { isPointwise, patches, patchesTransposed } from "./patches.js";
import type { ProductForm } from "./products.js";
import { winograd } from "./winograd.js";

/** The products of each form; none where ONNX's own operators have gradients already. */
export const PRODUCTS: Readonly<Record<ConvolutionForm, ProductForm | undefined>> = {
  patches,
  "patches-transposed": patchesTransposed,
  winograd,
  native: undefined,
};

/** Which form the convolutions of a shape take. */
export type FormRule = (g: ConvolutionShape) => ConvolutionForm;

/** The forms that can compute a convolution. */
export const formsOf = (g: ConvolutionShape): ConvolutionForm[] =>
  CONVOLUTION_FORMS.filter((form) => PRODUCTS[form]?.applies?.(g) ?? true);

/** From here on the transforms cost less than the multiplications that they save (measured at batch 16). */
const WINOGRAD_SIZE = 8;
const WINOGRAD_CHANNELS = 32;
/** From this many rows of patches an image, the product is made transposed. */
const MANY_PIXELS = 256;

/** The form where no table says another: by sizes. */
export const usualForm = (g: ConvolutionShape): ConvolutionForm => {
  const small = smallSize(g);
  if (
    winograd.applies!(g) &&
    Math.min(g.channels, g.filters) >= WINOGRAD_CHANNELS &&
    Math.min(...small) >= WINOGRAD_SIZE
  )
    return "winograd";
  return small[0] * small[1] >= MANY_PIXELS && !isPointwise(g) ? "patches-transposed" : "patches";
};

/**
 * The rule of a table; where it says nothing, the usual one.
 *
 * @throws GraphError for a form that cannot compute its shape.
 */
export function ruleOf(table: readonly FormChoice[]): FormRule {
  for (const choice of table) {
    const possible = formsOf(choice);
    if (!possible.includes(choice.form)) {
      throw new GraphError(
        `forms: "${choice.form}" cannot compute ${describeShape(choice)}; choose ${possible.join(", ")}`,
      );
    }
  }
  const chosen = new Map(table.map((choice) => [shapeKey(choice), choice.form]));
  return (g) => chosen.get(shapeKey(g)) ?? usualForm(g);
}

const smallSize = ({ kernel, stride, pad, large }: ConvolutionShape): [number, number] => [
  (large[0] + 2 * pad - kernel[0]) / stride + 1,
  (large[1] + 2 * pad - kernel[1]) / stride + 1,
];

const describeShape = ({ kernel, stride, pad, large, channels, filters }: ConvolutionShape): string =>
  `kernel ${kernel.join("x")}, stride ${stride}, pad ${pad} of ${large.join("x")} pixels, ${channels} channels and ${filters} filters`;
