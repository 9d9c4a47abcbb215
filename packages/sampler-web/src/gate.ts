/** Holds work up while it is closed. */
export class Gate {
  #passage: Promise<void> | undefined;
  #opened = (): void => undefined;

  /** What to wait for before going on; undefined while the gate is open. */
  get passage(): Promise<void> | undefined {
    return this.#passage;
  }

  close(): void {
    this.#passage ??= new Promise((resolve) => {
      this.#opened = resolve;
    });
  }

  open(): void {
    this.#opened();
    this.#passage = undefined;
  }
}
