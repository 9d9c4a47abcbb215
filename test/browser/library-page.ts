/** A page in which the library's build for script tags is loaded, with models beside it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type * as samplerWeb from "@onnx-diffusion/sampler-web";
import { bundle } from "../../scripts/bundle-web.mjs";
import { openPage, type Served, type TestPage } from "./page.js";

declare global {
  var web: typeof samplerWeb;
}

/** The files of a folder, by their names. */
export const folderFiles = (folder: string): Map<string, Uint8Array> =>
  new Map(readdirSync(folder).map((name) => [name, readFileSync(path.join(folder, name))]));

/**
 * Opens the page; `web` is the library there.
 *
 * @param models - by the path of their folders on the server.
 * @param headers - of every answer.
 */
export async function openLibrary(
  models: Readonly<Record<string, ReadonlyMap<string, Uint8Array>>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<TestPage & { readonly files: Record<string, Served> }> {
  const folder = mkdtempSync(path.join(tmpdir(), "sampler-web-"));
  await bundle(folder);
  const files: Record<string, Served> = {
    // A module of the page's own: policies may forbid what a test would run otherwise.
    "/start.js": { text: "import * as web from './sampler.js'; globalThis.web = web;" },
  };
  for (const name of readdirSync(folder)) files[`/${name}`] = { file: path.join(folder, name) };
  for (const [at, model] of Object.entries(models)) {
    for (const [name, bytes] of model) files[`${at}/${name}`] = { bytes };
  }
  const opened = await openPage(files, ["--enable-unsafe-webgpu"], headers);
  await opened.page.addScriptTag({ url: "/start.js", type: "module" });
  return {
    ...opened,
    files,
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
