/** Ctrl-C, SIGTERM and a closed terminal: the first asks to stop, the second stops at once. */

import { constants } from "node:os";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
export type StopSignal = (typeof SIGNALS)[number];

export interface StopSignals {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** The first signal that came. */
  readonly received: StopSignal | undefined;
  /** Gives the signals back to the system. */
  dispose(): void;
}

/** @param onFirst called at the first signal. */
export function catchStopSignals(onFirst: (signal: StopSignal) => void): StopSignals {
  const abort = new AbortController();
  let received: StopSignal | undefined;
  const dispose = () => {
    for (const name of SIGNALS) process.off(name, handle);
  };
  const handle = (name: StopSignal) => {
    if (received === undefined) {
      received = name;
      abort.abort();
      onFirst(name);
      return;
    }
    // The system's own way: it ends threads in the middle of native code, where process.exit() would wait or crash.
    dispose();
    process.kill(process.pid, name);
  };
  for (const name of SIGNALS) process.on(name, handle);
  return {
    signal: abort.signal,
    get received() {
      return received;
    },
    dispose,
  };
}

/** What a shell expects of a program that a signal ended: 128 and the signal's number. */
export function exitCodeOf(signal: StopSignal): number {
  return 128 + constants.signals[signal];
}

/**
 * The exit code of work that failed: that of the signal which stopped it.
 *
 * @throws error itself where no signal came.
 */
export function exitCodeAfter(error: unknown, { received }: StopSignals): number {
  if (received === undefined) throw error;
  return exitCodeOf(received);
}
