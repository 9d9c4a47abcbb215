/** Time spent on something that may be interrupted. */
export class Stopwatch {
  #milliseconds = 0;
  #since: number | undefined;

  start(): void {
    this.#since ??= performance.now();
  }

  stop(): void {
    this.#milliseconds = 1000 * this.seconds;
    this.#since = undefined;
  }

  /** What it has run, in all. */
  get seconds(): number {
    const running = this.#since === undefined ? 0 : performance.now() - this.#since;
    return (this.#milliseconds + running) / 1000;
  }
}
