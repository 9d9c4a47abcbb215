/** `trainer train`: options in, lines and a bar out. */

import { barLine, PLAIN_EVERY, plainLine, rateMeter, shareLine } from "../progress.js";
import { runFolder } from "../run-folder.js";
import { catchStopSignals, exitCodeOf } from "../signals.js";
import { openTerminal, type Terminal } from "../terminal.js";
import { type TrainEvent, type TrainOptions, train } from "../train.js";
import { TRAIN_DEFAULTS } from "../train-defaults.js";

/** Trains and shows it. @returns the exit code. */
export async function trainCommand(options: TrainOptions): Promise<number> {
  const terminal = openTerminal();
  const signals = catchStopSignals((name) => {
    terminal.print(`${name}: ending the running steps, then saving; press Ctrl-C again to stop at once`);
  });
  const show = display(terminal, options);
  let started = false;
  let step = 0;
  let saved = 0;
  try {
    for await (const event of train(options, signals.signal)) {
      show(event);
      if (event.type === "started") {
        started = true;
        step = saved = event.step;
      } else if (event.type === "ended") ({ step, saved } = event);
    }
  } finally {
    terminal.clear();
    signals.dispose();
  }
  const complete = started && step >= options.steps;
  if (!complete) {
    terminal.print(
      saved > 0
        ? `stopped after step ${step}, saved; go on with: ${resumeCommand(options)}`
        : "stopped before the first step; nothing to save",
    );
  } else {
    terminal.print(`done: ${step} steps; the model is in ${runFolder(options.out).model}`);
  }
  return signals.received === undefined ? 0 : exitCodeOf(signals.received);
}

/** Writes events to a terminal. */
function display(terminal: Terminal, options: TrainOptions): (event: TrainEvent) => void {
  const meter = rateMeter();
  let clock: number | undefined;
  let smoothed: number | undefined;
  let trained = false;
  const bar = (step: number, rate?: number) => {
    if (smoothed === undefined) return;
    terminal.show(barLine({ step, steps: options.steps, smoothed, rate }, terminal.columns));
  };
  return (event) => {
    switch (event.type) {
      case "loading":
        terminal.show(shareLine(`reading ${options.data}`, event.done / event.total, terminal.columns));
        return;
      case "data":
        terminal.print(`data: ${options.data}, ${event.count} images`);
        return;
      case "device":
        terminal.print(`device: ${event.device}`);
        for (const reason of event.rejected) terminal.print(`  not taken: ${reason}`);
        return;
      case "warning":
        terminal.print(`warning: ${event.text}`);
        return;
      case "started":
        terminal.clear();
        if (event.checkpoint === undefined) {
          terminal.print(`training ${options.artifacts} for ${options.steps} steps, into ${options.out}`);
        } else if (event.step === options.steps) {
          terminal.print(`${options.out} is at step ${event.step} already; give a larger --steps to go on`);
        } else {
          terminal.print(`resuming at step ${event.step} from ${event.checkpoint}`);
        }
        clock = performance.now();
        return;
      case "steps": {
        const now = performance.now();
        const rate = meter(event.losses.length, (now - (clock ?? now - 1)) / 1000);
        clock = now;
        smoothed = event.smoothed.at(-1);
        if (!terminal.live) {
          for (const [i, loss] of event.smoothed.entries()) {
            if ((event.first + i) % PLAIN_EVERY === 0) terminal.print(plainLine(event.first + i, loss));
          }
        }
        bar(event.first + event.losses.length - 1, rate);
        return;
      }
      case "saved":
        terminal.print(`saved ${event.path}`);
        return;
      case "drawing":
        // while training goes on, its own bar is what changes
        if (trained) terminal.show(shareLine("drawing samples", event.done / event.total, terminal.columns));
        return;
      case "drawn":
        terminal.print(`drawn ${event.path}`);
        return;
      case "notDrawn":
        terminal.print(`warning: no samples were drawn: ${event.reason}`);
        return;
      case "ended":
        trained = true;
        terminal.clear();
        return;
      case "exported":
        return;
    }
  };
}

/** How the command was called: by the workspace's script, or by its name. */
const PROGRAM =
  process.env.npm_lifecycle_event === undefined ? ["trainer"] : ["npx", "-y", "pnpm@12", "trainer"];

/** The command that goes on with a run. */
function resumeCommand(options: TrainOptions): string {
  const words = [...PROGRAM, "--artifacts", options.artifacts, "--steps", String(options.steps)];
  const flags: [string, string | number | undefined, string | number | undefined][] = [
    ["--data", options.data, TRAIN_DEFAULTS.data],
    ["--data-dir", options.dataDir, undefined],
    ["--batch", options.batch, TRAIN_DEFAULTS.batch],
    ["--lr", options.learningRate, TRAIN_DEFAULTS.learningRate],
    ["--lr-scheduler", options.lrScheduler, TRAIN_DEFAULTS.lrScheduler],
    ["--lr-warmup-steps", options.lrWarmupSteps, TRAIN_DEFAULTS.lrWarmupSteps],
    ["--seed", options.seed, TRAIN_DEFAULTS.seed],
    ["--device", options.device, TRAIN_DEFAULTS.device],
    ["--threads", options.threads, undefined],
    ["--out", options.out, undefined],
    ["--save-every", options.saveEvery, TRAIN_DEFAULTS.saveEvery],
    ["--sample-every", options.sampleEvery, TRAIN_DEFAULTS.sampleEvery],
    ["--keep", options.keep, TRAIN_DEFAULTS.keep],
    ["--init", options.init, undefined],
  ];
  for (const [flag, value, usual] of flags) {
    if (value !== undefined && value !== usual) words.push(flag, String(value));
  }
  return [...words, "--resume"]
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word)))
    .join(" ");
}
