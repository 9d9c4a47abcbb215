/** The training worker's end of the saving thread, which writes while the next steps are taken. */

import type { Outcome, SavingOptions, Snapshot } from "./saving.js";
import { startThread, type Thread } from "./thread.js";
import { errorOf, type Failure, type SavingCommand, type SavingReport } from "./workers/messages.js";

export interface Saver {
  /** Saves a copy of a snapshot. One at a time. Never rejects. */
  save(snapshot: Snapshot): Promise<Outcome>;
  /** Ends the thread, after what it is saving. */
  dispose(): Promise<void>;
}

/** Its thread is started by the first snapshot: before, the first steps have the processors for themselves. */
export function createSaver(options: SavingOptions): Saver {
  let thread: Thread<SavingCommand> | undefined;
  let settle: (outcome: Outcome) => void = () => {};

  const start = () =>
    startThread<SavingCommand, Exclude<SavingReport, Failure>>({
      file: "saving-worker.js",
      workerData: options,
      ports: [],
      onReport: ({ path, failure }) => settle({ path, error: failure && errorOf(failure) }),
      onFailure: (error) => settle({ path: undefined, error }),
    });

  return {
    save(snapshot) {
      thread ??= start();
      // The steps to come read the arrays themselves: copies go.
      const state = new Map([...snapshot.state].map(([name, values]) => [name, values.slice()]));
      const outcome = new Promise<Outcome>((resolve) => {
        settle = resolve;
      });
      const buffers = [...state.values()].map(({ buffer }) => buffer);
      thread.post({ type: "save", snapshot: { ...snapshot, state } }, buffers);
      return outcome;
    },
    async dispose() {
      thread?.post({ type: "stop" });
      await thread?.ended;
    },
  };
}
