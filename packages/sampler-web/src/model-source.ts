/** Where a model's files come from: a folder on a server, or one that the visitor has opened. */
import { aborted, SamplerError } from "./errors.js";

/** A file's bytes as they arrive. */
export interface OpenedFile {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** A folder of files. Both kinds can be sent to a worker. */
export type ModelSource = URL | FileSystemDirectoryHandle;

/** The source that a user's argument means: an address of the folder, or of the manifest in it. */
export function modelSource(model: string | URL): URL;
export function modelSource(model: string | URL | FileSystemDirectoryHandle): ModelSource;
export function modelSource(model: string | URL | FileSystemDirectoryHandle): ModelSource {
  if (typeof model !== "string" && !(model instanceof URL)) return model;
  let url: URL;
  try {
    url = new URL(model, globalThis.document?.baseURI ?? globalThis.location?.href);
  } catch (cause) {
    throw new SamplerError(
      {
        code: "options",
        problem: `model: found ${JSON.stringify(String(model))}, which is no address`,
        remedy: "give the address of a model folder, such as 'models/digits/'",
      },
      cause,
    );
  }
  if (!/\.json$/.test(url.pathname) && !url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

/** What errors and the progress call a file of the source. */
export const fileLabel = (source: ModelSource, file: string): string =>
  isAddress(source) ? fileUrl(source, file).href : `${source.name}/${file}`;

/** A URL does not survive being sent to a worker; its text does. */
export const isAddress = (source: ModelSource): source is URL => source instanceof URL;

/** The address of a file beside the manifest. */
function fileUrl(source: URL, file: string): URL {
  const isManifest = file === "manifest.json" && /\.json$/.test(source.pathname);
  const url = isManifest ? new URL(source) : new URL(file, source);
  // What a server needs to know the visitor by stays on every file's address.
  url.search = source.search;
  return url;
}

/**
 * Opens a file.
 *
 * @throws SamplerError `not-found`, `http`, `content-type`, `offline` or `aborted`.
 */
export async function openFile(
  source: ModelSource,
  file: string,
  signal: AbortSignal | undefined,
): Promise<OpenedFile> {
  const label = fileLabel(source, file);
  if (!isAddress(source)) {
    try {
      const handle = await source.getFileHandle(file);
      return { stream: (await handle.getFile()).stream() };
    } catch (cause) {
      throw notFound(label, "the folder has no such file", cause);
    }
  }
  return fetchFile(fileUrl(source, file), signal);
}

/** Fetches an address. @throws as {@link openFile}. */
async function fetchFile(url: URL, signal: AbortSignal | undefined): Promise<OpenedFile> {
  let response: Response;
  try {
    response = await fetch(url, signal ? { signal } : {});
  } catch (cause) {
    if (signal?.aborted) throw aborted(signal.reason);
    throw offline(url.href, cause);
  }
  if (response.status === 404 || response.status === 410) {
    throw notFound(url.href, `the server answered ${response.status}`);
  }
  if (!response.ok || response.body === null) {
    throw new SamplerError({
      code: "http",
      problem: `${url.href}: the server answered ${response.status} ${response.statusText}`.trimEnd(),
      remedy: "try again later, or ask whoever runs the server",
    });
  }
  // Servers name model files in many ways, or in none; but a web page is what many send in place of a missing file.
  const type = response.headers.get("content-type") ?? "";
  if (/^(text\/html|application\/xhtml)/i.test(type)) {
    throw new SamplerError({
      code: "content-type",
      problem: `${url.href}: found a web page (${type}), expected a model file`,
      remedy: "check the address: the server sends its start page in place of a missing file",
    });
  }
  return { stream: response.body };
}

function notFound(label: string, found: string, cause?: unknown): SamplerError {
  return new SamplerError(
    {
      code: "not-found",
      problem: `${label}: ${found}`,
      remedy: "check the address, and that the whole model folder (runs/<name>/model) has been uploaded",
    },
    cause,
  );
}

/** The error of a server that cannot be reached. */
export function offline(label: string, cause: unknown): SamplerError {
  return new SamplerError(
    {
      code: "offline",
      problem: `${label}: no answer, and it is not in this browser's cache`,
      remedy: "check the connection; for another site's model, that its server allows this page (CORS)",
    },
    cause,
  );
}
