/** Operators that ONNX has given up for others, and those whose results' sizes follow from constants alone. */
import { formatShape, isStatic, sizeOf } from "../dim.js";
import { defineReading } from "../op.js";
import { constant, int64s, type Tensor } from "../tensor.js";
import { normalizeAxis } from "./axes.js";
import { constantValues } from "./constants.js";
import { gather } from "./gather.js";
import { scatterElements } from "./gather-elements.js";
import { reshape } from "./reshape.js";
import { resize } from "./resize.js";

const scatterReading = defineReading("Scatter", {
  since: 9,
  attributes: { axis: "int" },
  read: ({ input, attributes }) => [
    scatterElements(input(0), input(1), input(2), (attributes.axis as number | undefined) ?? 0),
  ],
});

const upsampleReading = defineReading("Upsample", {
  since: 9,
  attributes: { mode: "string" },
  read({ input, attributes, fail }) {
    const scales = constantValues(input(1));
    if (!scales) return fail("the scales are computed when the graph runs; give them as a constant");
    const { mode = "nearest" } = attributes;
    if (mode !== "nearest" && mode !== "linear")
      return fail(`the mode is "${mode}", expected nearest or linear`);
    return [
      resize(input(0), {
        scales,
        mode,
        coordinate_transformation_mode: "asymmetric",
        nearest_mode: "floor",
      }),
    ];
  },
});

/** The places of elements that are not 0, where that is known before the graph runs. */
function placesOf(t: Tensor, fail: (message: string) => never): number[] {
  const values = constantValues(t);
  if (!values)
    return fail(
      "how many elements are not 0 is known only when the graph runs; give a constant, or use where()",
    );
  return values.flatMap((value, i) => (value === 0 ? [] : [i]));
}

const nonZeroReading = defineReading("NonZero", {
  since: 9,
  read({ input, fail }) {
    const { shape } = input(0);
    const places = placesOf(input(0), fail);
    if (!isStatic(shape)) return fail(`the input is ${formatShape(shape)}, expected known sizes`);
    const along = shape.map((size, axis) => {
      const inner = Number(sizeOf(shape.slice(axis + 1)));
      return places.map((place) => Math.floor(place / inner) % size);
    });
    return [constant("int64", [shape.length, places.length], along.flat())];
  },
});

const compressReading = defineReading("Compress", {
  since: 9,
  attributes: { axis: "int" },
  read({ input, attributes, fail }) {
    const x = input(0);
    const { axis } = attributes as { axis?: number };
    const rows = axis === undefined ? reshape(x, [sizeOf(x.shape)]) : x;
    const along = normalizeAxis(axis ?? 0, rows.shape.length, fail);
    return [gather(rows, int64s(placesOf(input(1), fail)), along)];
  },
});

export default [compressReading, nonZeroReading, scatterReading, upsampleReading];
