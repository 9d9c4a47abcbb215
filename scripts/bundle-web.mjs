/**
 * The build for script tags: the library and the element as ES modules without bare imports, and ONNX Runtime's files beside it.
 * `node scripts/bundle-web.mjs` writes packages/sampler-web/dist/static.
 */
import { copyFile, mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../packages/sampler-web", import.meta.url));
const runtime = path.dirname(createRequire(import.meta.url).resolve("onnxruntime-web"));

/** ONNX Runtime's binaries: without WebGPU, with it, and with it for browsers without JSPI. */
const BINARIES = ["", ".jspi", ".asyncify"].map((kind) => `ort-wasm-simd-threaded${kind}.wasm`);

/**
 * Writes the build to a folder.
 *
 * @param more other entry points, by the names of their files there.
 */
export async function bundle(folder, more = {}) {
  await mkdir(folder, { recursive: true });
  await build({
    absWorkingDir: root,
    entryPoints: {
      sampler: "dist/index.js",
      element: "dist/element/index.js",
      worker: "dist/worker.js",
      ...more,
    },
    outdir: folder,
    ...{ bundle: true, splitting: true, minify: true, format: "esm", platform: "browser", target: "es2022" },
    chunkNames: "[name]-[hash]",
  });
  await Promise.all(BINARIES.map((name) => copyFile(path.join(runtime, name), path.join(folder, name))));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle(path.join(root, "dist/static"));
