/** Time spent on something that may be interrupted. */
export class Stopwatch {
  #milliseconds = 0;
  #since: number | undefined;

  start(): void {
    this.#since ??= performance.now();
  }

  /** Stops. @returns the seconds that it ran, in all. */
  stop(): number {
    if (this.#since !== undefined) this.#milliseconds += performance.now() - this.#since;
    this.#since = undefined;
    return this.#milliseconds / 1000;
  }
}
