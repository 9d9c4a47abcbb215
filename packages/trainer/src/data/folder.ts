/**
 * A folder of images, a class a subfolder (as torchvision's `ImageFolder` has it), or images alone, which are one
 * class. `train` and `test` are subfolders of those names where both are there; else every tenth image is kept for
 * testing. What was read is kept in the cache, in one file for each folder and size.
 */

import { createHash } from "node:crypto";
import { readdirSync, type Stats, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import {
  decodeSafetensors,
  encodeSafetensors,
  fileError,
  nearest,
  UserError,
} from "@onnx-diffusion/diffusion";
import { makeFolder, namesIn, readBytes, writeFileAtomic } from "../files.js";
import { cachePath } from "./cache.js";
import type { DatasetEntry, LoadOptions, Split } from "./dataset.js";
import { type Labelled, loadLabelled } from "./labelled.js";

/** Labels are bytes. */
const MOST_CLASSES = 256;
/** Bytes of a file; larger ones are no photographs. */
const LARGEST_FILE = 256e6;
/** Bytes of all images as the network takes them: they are held in memory. */
const LARGEST_SET = 2 ** 31 - 1;
/** Names of skipped files that a warning lists. */
const LISTED = 5;
/** Every so many images one is kept for testing. */
const HELD_BACK = 10;
/** Changes when the same files would give other pixels. */
const VERSION = "1";

export const folder: DatasetEntry = {
  name: "folder",
  argument: "PATH",
  description: "your own images, in subfolders by class: any format, cut to a square from the middle",
  load: (options) => loadLabelled(`folder:${options.argument}`, options, readFolder),
};

/** A file that may be an image. */
interface Found {
  readonly path: string;
  /** From the folder on, with "/". */
  readonly name: string;
  readonly label: number;
  readonly stamp: string;
}

interface Listing {
  readonly files: readonly Found[];
  readonly classNames: readonly string[];
  /** What cannot be images: links, files beside the class folders, hidden ones left out. */
  readonly skipped: readonly string[];
}

async function readFolder(options: LoadOptions): Promise<Labelled> {
  const { argument, height, width, signal, onProgress, onWarning = () => {} } = options;
  if (argument === undefined || argument === "") {
    throw new UserError("--data folder: which one? such as --data folder:photos", { usage: true });
  }
  if (options.dataDir !== undefined) {
    throw new UserError("--data-dir: a folder of images is named by --data folder:PATH alone; leave it out", {
      usage: true,
    });
  }
  const { root, ownSplit } = splitFolder(argument, options.split);
  const listing = list(root, `--data folder:${argument}`);
  const area = 3 * height * width;
  if (listing.files.length * area > LARGEST_SET) {
    throw new UserError(
      `--data folder:${argument}: ${listing.files.length} images of ${height}x${width} are more than 2 GiB; take fewer`,
    );
  }
  const key = keyOf(listing, height, width);
  const cached = cachePath([
    "folders",
    `${digest(resolve(root)).slice(0, 16)}-${width}x${height}.safetensors`,
  ]);
  let images = readCache(cached, key, area);
  if (images === undefined) {
    const { readImages } = await import("./folder-images.js");
    images = await readImages(listing.files, { height, width, signal, onProgress, largest: LARGEST_FILE });
    try {
      makeFolder(cachePath(["folders"]));
      writeFileAtomic(cached, cacheFile(images, key));
    } catch (error) {
      onWarning(`the images are not kept for the next time: ${(error as Error).message}`);
    }
  }
  const skipped = [...listing.skipped, ...images.broken];
  if (skipped.length > 0) onWarning(skippedText(skipped));
  if (images.labels.length === 0) {
    throw new UserError(
      `--data folder:${argument}: there is no image in it; give a folder of images, or of subfolders with images, one a class`,
    );
  }
  const { classNames } = listing;
  const present = new Set(images.labels);
  const empty = classNames.filter((_, label) => !present.has(label));
  if (empty.length > 0) {
    throw new UserError(
      `--data folder:${argument}: there is no image in ${empty.map(show).join(", ")}; remove the folder or put images there`,
    );
  }
  const whole: Labelled = { ...images, channels: 3, height, width, classNames: classNames.map(plainName) };
  return ownSplit ? whole : part(whole, options.split, argument);
}

/** `PATH/train` and `PATH/test` where both are there. */
function splitFolder(path: string, split: Split): { root: string; ownSplit: boolean } {
  const stat = statOf(path);
  if (stat === undefined) {
    const near = nearest(basename(path), namesIn(join(path, "..")));
    const hint = near === undefined ? "" : `; did you mean ${near}?`;
    throw new UserError(`--data folder:${path}: there is no such folder${hint}`);
  }
  if (!stat.isDirectory()) throw new UserError(`--data folder:${path}: it is a file, a folder was expected`);
  const isFolder = (name: string) => statOf(join(path, name))?.isDirectory() === true;
  const ownSplit = isFolder("train") && isFolder("test");
  return { root: ownSplit ? join(path, split) : path, ownSplit };
}

/** All files, in the order of their names. Links are not followed: they may lead anywhere, in circles too. */
function list(root: string, flag: string): Listing {
  const top = entriesOf(root);
  const classNames = top.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const skipped: string[] = [];
  const files: Found[] = [];
  const walk = (folder: string, prefix: string, label: number): void => {
    for (const entry of entriesOf(folder)) {
      const name = `${prefix}${entry.name}`;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path, `${name}/`, label);
      else if (entry.isFile()) files.push({ path, name, label, stamp: stampOf(path) });
      else skipped.push(name);
    }
  };
  if (classNames.length === 0) {
    walk(root, "", 0);
    return { files, classNames: [basename(resolve(root))], skipped };
  }
  if (classNames.length > MOST_CLASSES) {
    throw new UserError(`${flag}: ${classNames.length} subfolders, expected at most ${MOST_CLASSES} classes`);
  }
  for (const [label, name] of classNames.entries()) walk(join(root, name), `${name}/`, label);
  skipped.push(...top.filter((entry) => !entry.isDirectory()).map(({ name }) => name));
  return { files, classNames, skipped };
}

/** What is in a folder, by name, without the system's own hidden files. */
function entriesOf(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter(({ name }) => !name.startsWith(".") && name !== "Thumbs.db")
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    throw fileError(`cannot read the folder ${path}`, error);
  }
}

/** Undefined for what is not there, or cannot be reached. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function stampOf(path: string): string {
  const stat = statOf(path);
  return stat === undefined ? "gone" : `${stat.size} ${stat.mtimeMs}`;
}

/** Pixels by image, with what could not be read. */
export interface ReadImages {
  /** uint8 [count,3,H,W] */
  readonly pixels: Uint8Array<ArrayBuffer>;
  /** uint8 [count] */
  readonly labels: Uint8Array<ArrayBuffer>;
  /** The names of files that are no images, and why. */
  readonly broken: readonly string[];
}

function keyOf({ files, classNames }: Listing, height: number, width: number): string {
  const lines = files.map(({ name, stamp, label }) => `${label}\0${name}\0${stamp}`);
  return digest([VERSION, height, width, ...classNames, ...lines].join("\n"));
}

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

function cacheFile({ pixels, labels, broken }: ReadImages, key: string): Uint8Array {
  // safetensors has no tensors without elements
  const tensors = [
    { name: "pixels", dtype: "U8", shape: [pixels.length], data: pixels },
    { name: "labels", dtype: "U8", shape: [labels.length], data: labels },
  ] as const;
  return encodeSafetensors(tensors, { key, broken: JSON.stringify(broken) });
}

/** Undefined where there is none, or it is of other files. */
function readCache(path: string, key: string, area: number): ReadImages | undefined {
  try {
    const { tensors, metadata } = decodeSafetensors(readBytes(path), path);
    if (metadata.get("key") !== key) return undefined;
    const pixels = new Uint8Array(tensors.get("pixels")!.data as Uint8Array);
    const labels = new Uint8Array(tensors.get("labels")!.data as Uint8Array);
    if (pixels.length !== labels.length * area) return undefined;
    return { pixels, labels, broken: JSON.parse(metadata.get("broken")!) as string[] };
  } catch {
    // there is none, or it is damaged and made again
    return undefined;
  }
}

/** Every tenth image is for testing, the others are to train on. */
function part(all: Labelled, split: Split, path: string): Labelled {
  const size = all.pixels.length / all.labels.length;
  const isTest = (i: number) => i % HELD_BACK === HELD_BACK - 1;
  const indices = [...all.labels.keys()].filter((i) => isTest(i) === (split === "test"));
  if (indices.length === 0) {
    throw new UserError(
      `--data folder:${path}: ${all.labels.length} images, expected at least ${HELD_BACK}, of which one is kept for testing; ` +
        "add images, or make subfolders train and test",
    );
  }
  const pixels = new Uint8Array(indices.length * size);
  for (const [to, from] of indices.entries()) {
    pixels.set(all.pixels.subarray(from * size, (from + 1) * size), to * size);
  }
  return { ...all, pixels, labels: Uint8Array.from(indices, (i) => all.labels[i]!) };
}

function skippedText(names: readonly string[]): string {
  const listed = names.slice(0, LISTED).map(show).join(", ");
  const more = names.length > LISTED ? ` and ${names.length - LISTED} more` : "";
  return `${names.length} ${names.length === 1 ? "file is" : "files are"} left out: ${listed}${more}`;
}

/** A name as a terminal can take it, whatever is in it. */
const show = (name: string): string => JSON.stringify(plainName(name));

/** Without control characters, which would move the cursor or colour what follows. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const plainName = (name: string): string => name.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/gu, "?");
