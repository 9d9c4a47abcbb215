/** Which form a convolution's products take on CPUs, chosen by its sizes: a table, as a file and in the manifest. */

import { type At, fail, field, integer, items, oneOf, parseJson } from "./json-reader.js";

/**
 * The ways to compute a convolution, its transpose and their gradients.
 * - `patches`: patches times weights, one product of matrices
 * - `patches-transposed`: the convolution as weights times patches, its result turned; the rest as in `patches`
 * - `winograd`: minimal filtering, for kernel 4, stride 2, pad 1
 * - `native`: ONNX's own Conv and ConvTranspose
 */
export const CONVOLUTION_FORMS = ["patches", "patches-transposed", "winograd", "native"] as const;
/** One of CONVOLUTION_FORMS. */
export type ConvolutionForm = (typeof CONVOLUTION_FORMS)[number];

/** The sizes of a convolution, or of the transposed one that is its adjoint. */
export interface ConvolutionShape {
  /** Height and width. */
  readonly kernel: readonly [number, number];
  readonly stride: number;
  readonly pad: number;
  /** Height and width of the large side: a convolution's input, a transposed one's output. */
  readonly large: readonly [number, number];
  /** Channels of the large side. */
  readonly channels: number;
  /** Channels of the small side. */
  readonly filters: number;
}

/** A row of the table: convolutions of this shape take that form. */
export interface FormChoice extends ConvolutionShape {
  readonly form: ConvolutionForm;
}

/** A row as a tuner writes it, with the median time of each form. */
export interface MeasuredChoice extends FormChoice {
  readonly ms: Readonly<Partial<Record<ConvolutionForm, number>>>;
}

const FORMAT = "onnx-diffusion-forms";
const VERSION = 1;

/** Equal for equal shapes. */
export const shapeKey = ({ kernel, stride, pad, large, channels, filters }: ConvolutionShape): string =>
  [...kernel, stride, pad, ...large, channels, filters].join();

/**
 * Reads a table of forms. What it says of how it was measured is for people, and left out.
 *
 * @param source the file's text, or its parsed value.
 * @param where what errors call it, such as the file's path.
 * @throws UserError that names the field's path, what was found and what was expected.
 */
export function parseFormTable(source: unknown, where: string): FormChoice[] {
  const at: At = {
    value: typeof source === "string" ? parseJson(source, where, "a table of trainer tune") : source,
    where,
    path: "",
  };
  oneOf(field(at, "format"), [FORMAT]);
  const version = field(at, "version");
  if (integer(version, 1) > VERSION) {
    fail(version, `${VERSION} or less: a newer onnx-diffusion wrote this table; update to read it`);
  }
  return readFormChoices(field(at, "forms"));
}

/**
 * The text of a table, a row in a line.
 *
 * @param measured how and on what: for people.
 */
export function serializeFormTable(
  measured: Readonly<Record<string, string | number>>,
  forms: readonly MeasuredChoice[],
): string {
  const head = { format: FORMAT, version: VERSION, measured };
  const lines = Object.entries(head).map(
    ([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`,
  );
  const rows = forms.map((row) => `    ${JSON.stringify(row)}`);
  return `{\n${lines.join(",\n")},\n  "forms": [\n${rows.join(",\n")}\n  ]\n}\n`;
}

/** Reads the rows of a table, no two of which are of the same shape. */
export function readFormChoices(at: At): FormChoice[] {
  const known = new Map<string, number>();
  return items(at).map((row, i) => {
    const choice = readChoice(row);
    const first = known.get(shapeKey(choice));
    if (first !== undefined) fail(row, `another shape than that of row ${first}; leave one of the two out`);
    known.set(shapeKey(choice), i);
    return choice;
  });
}

function readChoice(at: At): FormChoice {
  const choice = {
    kernel: readPair(field(at, "kernel")),
    stride: integer(field(at, "stride"), 1),
    pad: integer(field(at, "pad"), 0),
    large: readPair(field(at, "large")),
    channels: integer(field(at, "channels"), 1),
    filters: integer(field(at, "filters"), 1),
    form: oneOf(field(at, "form"), CONVOLUTION_FORMS),
  };
  const { kernel, stride, pad, large } = choice;
  const isEven = large.every((size, i) => {
    const way = size + 2 * pad - kernel[i]!;
    return way >= 0 && way % stride === 0;
  });
  if (isEven) return choice;
  return fail(
    field(at, "large"),
    `sizes that kernel ${kernel.join("x")} covers whole with stride ${stride} and pad ${pad}; for others there is no choice`,
  );
}

function readPair(at: At): [number, number] {
  const [first, second, more] = items(at).map((size) => integer(size, 1));
  if (first === undefined || second === undefined || more !== undefined) {
    return fail(at, "two sizes, height and width");
  }
  return [first, second];
}
