import { bundleLine } from "./bundle.js";
import type { Command } from "./command.js";
import { dataLine } from "./data.js";
import { doctorLine } from "./doctor.js";
import { evalLine } from "./eval.js";
import { exportLine } from "./export.js";
import { figuresLine } from "./figures.js";
import { profileLine } from "./profile.js";
import { sampleLine } from "./sample.js";
import { trainLine } from "./train.js";
import { tuneLine } from "./tune.js";
import { verifyLine } from "./verify.js";

/** Every command. A new one is its line here, a file beside this and one in ../commands. */
export const COMMANDS: readonly Command[] = [
  trainLine,
  sampleLine,
  evalLine,
  exportLine,
  figuresLine,
  verifyLine,
  dataLine,
  profileLine,
  tuneLine,
  doctorLine,
  bundleLine,
];
