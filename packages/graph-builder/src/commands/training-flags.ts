/** `--optimizer`, `--group`, `--freeze`, `--clip`, `--ema`: texts to the options of the training graphs. */
import { type OptimizerOptions, UserError } from "@onnx-diffusion/diffusion";
import { GraphError } from "../errors.js";
import { OPTIMIZERS } from "../optimizers/index.js";
import type { TrainingOptions } from "../training/plan.js";

export interface TrainingFlags {
  /** `adamw`, or with options `adamw:weightDecay=0.1,beta2=0.99`. */
  readonly optimizer: string;
  /** `*.bias:weightDecay=0,learningRateScale=0.1` */
  readonly group: readonly string[];
  /** Patterns of paths. */
  readonly freeze: readonly string[];
  readonly clip?: string | undefined;
  readonly ema?: string | undefined;
}

/** @throws UserError (usage) for an optimizer or an option that there is not, or a value that cannot be. */
export function trainingOptions({ optimizer, group, freeze, clip, ema }: TrainingFlags): TrainingOptions {
  const { subject: name, options } = parse("--optimizer", optimizer);
  const factory = OPTIMIZERS.find((o) => o.name === name);
  if (!factory) {
    throw new UserError(`--optimizer ${name}: expected ${OPTIMIZERS.map((o) => o.name).join(", ")}`, {
      usage: true,
    });
  }
  const chosen = asUsage(`--optimizer ${optimizer}`, () => factory(options));
  const groups = group.map((text) => {
    const {
      subject: match,
      options: { learningRateScale, ...others },
    } = parse("--group", text);
    if (typeof learningRateScale === "boolean")
      throw new UserError(`--group ${text}: learningRateScale takes a number`, { usage: true });
    asUsage(`--group ${text}`, () => chosen.with(others));
    return {
      match,
      ...(learningRateScale === undefined ? {} : { learningRateScale }),
      ...(Object.keys(others).length > 0 ? { options: others } : {}),
    };
  });
  return {
    optimizer: chosen,
    groups: [...freeze.map((match) => ({ match, frozen: true })), ...groups],
    ...(clip === undefined ? {} : { clip: number("--clip", clip, "a number above 0", (v) => v > 0) }),
    ...(ema === undefined
      ? {}
      : { ema: number("--ema", ema, "a number of 0 or more, below 1", (v) => v >= 0 && v < 1) }),
  };
}

function number(flag: string, text: string, expected: string, fits: (value: number) => boolean): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isFinite(value) && fits(value)) return value;
  throw new UserError(`${flag} ${text}: expected ${expected}`, { usage: true });
}

/** `subject:key=value,...` */
function parse(flag: string, text: string): { subject: string; options: OptimizerOptions } {
  const [subject = "", ...rest] = text.split(":");
  const pairs = rest.length === 0 ? [] : rest.join(":").split(",");
  const options = Object.fromEntries(
    pairs.map((pair): [string, number | boolean] => {
      const [, key, value] = /^(\w+)=(.+)$/.exec(pair) ?? [];
      if (key === undefined || value === undefined || subject === "") {
        throw new UserError(`${flag} ${text}: expected NAME:key=value,key=value, such as ${EXAMPLES[flag]}`, {
          usage: true,
        });
      }
      if (value === "true" || value === "false") return [key, value === "true"];
      if (Number.isFinite(Number(value))) return [key, Number(value)];
      throw new UserError(`${flag} ${text}: ${key} is "${value}", expected a number, true or false`, {
        usage: true,
      });
    }),
  );
  return { subject, options };
}

const EXAMPLES: Record<string, string> = {
  "--optimizer": "adamw:weightDecay=0.1,beta2=0.99",
  "--group": "*.bias:weightDecay=0",
};

/** What the optimizer says of its options, as a mistake on the command line. */
function asUsage<T>(flag: string, body: () => T): T {
  try {
    return body();
  } catch (cause) {
    if (!(cause instanceof GraphError)) throw cause;
    throw new UserError(`${flag}: ${cause.message}`, { cause, usage: true });
  }
}
