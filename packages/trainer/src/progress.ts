/** How progress is written: one line that is drawn anew on a terminal, plain lines elsewhere. */

/** The practical's line: `step:  100 train loss: 0.123`. */
export function plainLine(step: number, smoothed: number): string {
  return `step: ${String(step).padStart(4)} train loss: ${smoothed.toFixed(3)}`;
}

/** Steps between plain lines. */
export const PLAIN_EVERY = 100;

export interface TrainingProgress {
  readonly step: number;
  readonly steps: number;
  readonly smoothed: number;
  /** Steps a second; undefined before the first chunk. */
  readonly rate: number | undefined;
}

/** `step  1200/25000 ━━━━━╌╌╌╌ loss 0.1234  7.6 steps/s  52 min left`, at most `columns` wide. */
export function barLine(progress: TrainingProgress, columns: number): string {
  const { step, steps, smoothed, rate } = progress;
  const digits = String(steps).length;
  const head = `step ${String(step).padStart(digits)}/${steps}`;
  const speed = rate === undefined ? "" : `  ${formatRate(rate)}  ${formatTime((steps - step) / rate)} left`;
  return fitBar(head, step / steps, `loss ${smoothed.toFixed(4)}${speed}`, columns);
}

/** `what ━━━━━╌╌╌╌ 42 %`. */
export function shareLine(what: string, share: number, columns: number): string {
  return fitBar(what, share, `${Math.floor(share * 100)} %`, columns);
}

/** `what ━━━━━╌╌╌╌ 3 min 20 s left`. */
export function timeLeftLine(what: string, share: number, seconds: number, columns: number): string {
  return fitBar(what, share, `${formatTime(seconds)} left`, columns);
}

const WIDEST_BAR = 30;

/** A bar between two texts, as wide as there is room; without it, or cut, where there is none. */
function fitBar(head: string, share: number, tail: string, columns: number): string {
  // one column stays free: a full line would wrap on some terminals
  const room = Math.min(WIDEST_BAR, columns - 1 - head.length - tail.length - 2);
  if (room < 5) return `${head} ${tail}`.slice(0, Math.max(0, columns - 1));
  const filled = Math.round(Math.min(1, Math.max(0, share)) * room);
  return `${head} ${"━".repeat(filled)}${"╌".repeat(room - filled)} ${tail}`;
}

function formatRate(rate: number): string {
  return rate >= 100 ? `${Math.round(rate)} steps/s` : `${rate.toFixed(rate >= 10 ? 1 : 2)} steps/s`;
}

/** `5 s`, `3 min 20 s`, `2 h 05 min`. */
export function formatTime(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** `10.4 MB`, `8.9 kB`, `12 bytes`: of a thousand, as shops and servers count. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Seconds after which an old measurement counts for 1/e. */
const MEMORY = 20;

/** Steps a second, with recent chunks counting more; wall time, so pauses for saving are in it. */
export function rateMeter(): (steps: number, seconds: number) => number {
  let steps = 0;
  let seconds = 0;
  return (moreSteps, moreSeconds) => {
    const decay = Math.exp(-moreSeconds / MEMORY);
    steps = steps * decay + moreSteps;
    seconds = seconds * decay + moreSeconds;
    return steps / seconds;
  };
}
