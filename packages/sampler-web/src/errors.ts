/** What can go wrong in a page, each by a code that a program can act on, with what to do about it. */

/**
 * - `not-found`: the server has no such file (404).
 * - `http`: the server answered with another error.
 * - `content-type`: the server sent a web page where a model file was expected.
 * - `digest`: a file is not the one that the manifest means.
 * - `manifest`: the manifest is damaged or describes what cannot be sampled.
 * - `manifest-version`: a newer version wrote the manifest.
 * - `offline`: the file could not be fetched and is not in the cache.
 * - `insecure`: the page is served in a way in which browsers check no digests.
 * - `options`: a number or name of the request is out of its range.
 * - `labels`: the labels do not fit the model.
 * - `aborted`: the caller's signal, or leaving the loop over the steps, stopped the work.
 * - `no-webgpu`: WebGPU was asked for and is not to be had.
 * - `device-lost`: the browser took the GPU away. The next `sample` starts anew.
 * - `out-of-memory`: memory did not suffice. The next `sample` starts anew.
 * - `worker`: the worker could not be started, or ended. The next `sample` starts anew.
 * - `runtime`: ONNX Runtime refused the model.
 * - `disposed`: the sampler has been disposed of.
 */
export type SamplerErrorCode =
  | "not-found"
  | "http"
  | "content-type"
  | "digest"
  | "manifest"
  | "manifest-version"
  | "offline"
  | "insecure"
  | "options"
  | "labels"
  | "aborted"
  | "no-webgpu"
  | "device-lost"
  | "out-of-memory"
  | "worker"
  | "runtime"
  | "disposed";

/** An error as it travels between a worker and its page. */
export interface SamplerErrorData {
  readonly code: SamplerErrorCode;
  /** What was found, and what was expected. */
  readonly problem: string;
  /** What to do about it. */
  readonly remedy: string;
}

/**
 * Everything that this library throws. The message is one line: the problem, then the remedy. An error of code
 * `aborted` has the name `AbortError`, as `fetch` gives it.
 */
export class SamplerError extends Error implements SamplerErrorData {
  override readonly name: string;
  readonly code: SamplerErrorCode;
  readonly problem: string;
  readonly remedy: string;

  constructor({ code, problem, remedy }: SamplerErrorData, cause?: unknown) {
    super(`${problem}; ${remedy}`, cause === undefined ? undefined : { cause });
    this.name = code === "aborted" ? "AbortError" : "SamplerError";
    this.code = code;
    this.problem = problem;
    this.remedy = remedy;
  }
}

/** The error of work that a signal stopped. */
export const aborted = (cause?: unknown): SamplerError =>
  new SamplerError({ code: "aborted", problem: "sampling was stopped", remedy: "start it again" }, cause);

/** The error of a sampler that is used after `dispose`. */
export const disposed = (): SamplerError =>
  new SamplerError({
    code: "disposed",
    problem: "the sampler has been disposed of",
    remedy: "load it again with Sampler.load",
  });

/** @throws SamplerError `aborted` if the signal is. */
export function checkAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw aborted(signal.reason);
}

/** Any error as one of ours: what ONNX Runtime and the browser throw says what it is in its text alone. */
export function asSamplerError(error: unknown, what: string): SamplerError {
  if (error instanceof SamplerError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const line = text.trim().split("\n")[0]!;
  if (/device.*lost|lost.*device/i.test(text)) return deviceLost(line, error);
  if (/out of memory|bad_alloc|allocation failed|Aborted\(OOM/i.test(text)) {
    return new SamplerError(
      {
        code: "out-of-memory",
        problem: `${what}: memory did not suffice (${line})`,
        remedy: "draw fewer images at a time or close other pages, and sample again",
      },
      error,
    );
  }
  return new SamplerError(
    {
      code: "runtime",
      problem: `${what}: ${line}`,
      remedy: "check that the model runs in ONNX Runtime, or try device: 'wasm'",
    },
    error,
  );
}

/** The error of a GPU that is gone. */
export function deviceLost(reason: string, cause?: unknown): SamplerError {
  return new SamplerError(
    {
      code: "device-lost",
      problem: `the browser took the GPU away (${reason})`,
      remedy: "sample again, which starts the GPU anew, or load with device: 'wasm'",
    },
    cause,
  );
}
