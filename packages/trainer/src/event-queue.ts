/** Events that arrive by callback, taken one after the other by `for await`. */

export interface EventQueue<Event> extends AsyncIterable<Event> {
  push(event: Event): void;
  /** Ends the sequence after what was pushed, with an error if there is one. The first call counts. */
  end(error?: unknown): void;
}

export function eventQueue<Event>(): EventQueue<Event> {
  const events: Event[] = [];
  let ended: { error: unknown } | undefined;
  let wake: (() => void) | undefined;
  const notify = () => {
    wake?.();
    wake = undefined;
  };
  return {
    push(event) {
      events.push(event);
      notify();
    },
    end(error) {
      ended ??= { error };
      notify();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        while (events.length > 0) yield events.shift()!;
        if (ended !== undefined) {
          if (ended.error !== undefined) throw ended.error;
          return;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
