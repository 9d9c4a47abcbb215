import type { ProfileOptions } from "../commands/profile.js";
import { DEVICES } from "../device-names.js";
import { oneOf } from "../flags.js";
import { TRAIN_DEFAULTS } from "../train-defaults.js";
import { defineCommand, given, number, required, text, toggle, whole } from "./command.js";

const DEFAULTS = { steps: 8, rows: 20, out: "profile" };

export const profileLine = defineCommand<ProfileOptions>({
  name: "profile",
  usage: `trainer profile --artifacts DIR [flags]

Runs some training steps on noise and says where their time goes: by operator, and for the longest nodes with shapes,
milliseconds, share and GFLOP/s. Draws it too.`,
  examples: [
    ["trainer profile --artifacts models/unet-cond", "the table, profile.png and profile.svg"],
    [
      "trainer profile --artifacts models/unet-cond --threads 1 --no-draw",
      "with one thread, the table alone",
    ],
  ],
  flags: {
    artifacts: text("Model folder, made by graph-builder emit"),
    batch: number("Images a step", TRAIN_DEFAULTS.batch),
    steps: number("Steps in a run of the training loop", DEFAULTS.steps),
    device: text(`${DEVICES.join(", ")} [default: ${TRAIN_DEFAULTS.device}]`),
    threads: number("Threads of the runtime", "all cores"),
    rows: number("Rows of the table by shape", DEFAULTS.rows),
    out: text(`Pictures to write, without an ending [default: ${DEFAULTS.out}]`),
    draw: toggle("Draw it; --no-draw leaves the pictures out"),
  },
  options: (typed) => ({
    artifacts: required(typed, "artifacts", "--artifacts models/unet-cond"),
    batch: whole(typed, "batch", 1, 65536) ?? TRAIN_DEFAULTS.batch,
    steps: whole(typed, "steps", 1, 1000) ?? DEFAULTS.steps,
    device: oneOf("--device", given(typed, "device") ?? TRAIN_DEFAULTS.device, DEVICES),
    threads: whole(typed, "threads", 1, 1024),
    rows: whole(typed, "rows", 1, 1000) ?? DEFAULTS.rows,
    out: typed.draw === false ? undefined : (given(typed, "out") ?? DEFAULTS.out),
  }),
  run: async (options) => (await import("../commands/profile.js")).profileCommand(options),
});
