import { type At, field, finite, flag, items, record, text } from "./json-reader.js";
import type { OptimizerGroup, OptimizerOptions, OptimizerSpec } from "./manifest.js";

/** Reads the manifest's `optimizer`. @throws UserError for a field of another type. */
export function readOptimizer(at: At): OptimizerSpec {
  const [groups, clip, ema] = [field(at, "groups"), field(at, "clip"), field(at, "ema")];
  return {
    name: text(field(at, "name")),
    options: readOptimizerOptions(field(at, "options")),
    ...(groups.value === undefined ? {} : { groups: items(groups).map(readGroup) }),
    ...(clip.value === undefined ? {} : { clip: finite(clip) }),
    ...(ema.value === undefined ? {} : { ema: finite(ema) }),
  };
}

const readOptimizerOptions = (at: At): OptimizerOptions =>
  record(at, (option) =>
    typeof option.value === "boolean" ? option.value : finite(option, "a number, true or false"),
  );

function readGroup(at: At): OptimizerGroup {
  const [scale, options, frozen] = [
    field(at, "learningRateScale"),
    field(at, "options"),
    field(at, "frozen"),
  ];
  return {
    match: text(field(at, "match")),
    ...(scale.value === undefined ? {} : { learningRateScale: finite(scale) }),
    ...(options.value === undefined ? {} : { options: readOptimizerOptions(options) }),
    ...(frozen.value === undefined ? {} : { frozen: flag(frozen) }),
  };
}
