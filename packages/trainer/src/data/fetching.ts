/** Getting a data set: the first source that answers, checked, put in the cache whole or not at all. */

import { existsSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { UserError } from "@onnx-diffusion/diffusion";
import { newFolder } from "../new-folder.js";
import { cachePath } from "./cache.js";
import { digestOf, download, type Progress, type Remote } from "./download.js";

/** Somewhere a data set can be got from. */
export interface Source {
  /** What `--from` calls it. */
  readonly name: string;
  readonly remotes: readonly Remote[];
  /**
   * Makes the data set's files of what was fetched.
   *
   * @param paths of the files fetched, as `remotes` has them.
   */
  unpack(
    paths: readonly string[],
    folder: string,
    signal?: AbortSignal,
  ): AsyncGenerator<Progress, void, undefined>;
}

/** What is got, and how it is known to be right. */
export interface Fetchable {
  readonly sources: readonly Source[];
  /** The files that the folder then has, with their MD5. */
  readonly files: readonly { readonly name: string; readonly md5: string }[];
}

/** What happens meanwhile. */
export type FetchEvent =
  | ({ readonly type: "progress"; readonly what: string } & Progress)
  | { readonly type: "note"; readonly text: string };

/** Where to, and from where. */
export interface FetchOptions {
  /** The folder for the files, such as `<cache>/cifar10`. */
  readonly folder: string;
  /** The one source to take; undefined: the first that works. */
  readonly from?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Gets a data set, unless it is there.
 *
 * @throws UserError where no source has it; what has arrived by then is kept for the next time.
 * @throws the signal's reason when it is aborted.
 */
export async function* fetchDataset(
  { sources, files }: Fetchable,
  { folder, from, signal }: FetchOptions,
): AsyncGenerator<FetchEvent, void, undefined> {
  if (await isWhole(folder, files)) {
    yield { type: "note", text: `${folder} has it already, with the right MD5s` };
    return;
  }
  const reasons: string[] = [];
  for (const source of sources.filter(({ name }) => from === undefined || name === from)) {
    try {
      yield* fetchFrom(source, files, folder, signal);
      return;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof UserError)) throw error;
      reasons.push(error.message);
      yield { type: "note", text: `not from ${source.name}: ${error.message}` };
    }
  }
  throw new UserError(
    `it could not be got from ${sources.map(({ name }) => name).join(" or ")}: ${reasons.join("; ")}`,
  );
}

async function* fetchFrom(
  source: Source,
  files: Fetchable["files"],
  folder: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<FetchEvent, void, undefined> {
  const paths: string[] = [];
  for (const remote of source.remotes) {
    const name = basename(new URL(remote.url).pathname);
    const path = cachePath(["downloads", `${remote.digest.slice(0, 8)}-${name}`]);
    for await (const progress of download(remote, path, signal)) {
      yield { type: "progress", what: `fetching ${name}`, ...progress };
    }
    paths.push(path);
  }
  // what is there is not whole, as was seen: it makes room
  for (const { name } of files) rmSync(join(folder, name), { force: true });
  const made = newFolder(folder);
  try {
    for await (const progress of source.unpack(paths, made.hidden, signal)) {
      yield { type: "progress", what: "unpacking", ...progress };
    }
    for (const { name, md5 } of files) {
      signal?.throwIfAborted();
      const found = (await digestOf(join(made.hidden, name), "md5")).digest("hex");
      if (found === md5) continue;
      throw new UserError(`${source.name}: ${name} has the MD5 ${found}, expected ${md5}`);
    }
    made.commit();
  } finally {
    made.discard();
  }
  for (const path of paths) rmSync(path, { force: true });
  yield { type: "note", text: `${folder}: ${files.length} files from ${source.name}, MD5s as published` };
}

async function isWhole(folder: string, files: Fetchable["files"]): Promise<boolean> {
  for (const { name, md5 } of files) {
    const path = join(folder, name);
    if (!existsSync(path) || (await digestOf(path, "md5")).digest("hex") !== md5) return false;
  }
  return true;
}
