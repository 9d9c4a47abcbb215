/**
 * Bytes of a first visit, as a server sends them that compresses with brotli, and one that does not.
 *
 *     node test/bench/first-visit.mjs --model MODEL [--fp16 FOLDER] [--int8 FOLDER] [--transformers FOLDER]
 *
 * FOLDERs are forms of the model by `trainer export`. For transformers.js, FOLDER holds the packages that `npm pack` fetches of
 * @huggingface/transformers and of the onnxruntime-web that it asks for, unpacked as `transformers` and `onnxruntime-web`.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { brotliCompressSync, constants } from "node:zlib";
import { bundle } from "../../scripts/bundle-web.mjs";

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    fp16: { type: "string" },
    int8: { type: "string" },
    transformers: { type: "string" },
  },
});

// 9 of 11: what a server's administrator waits for; 11 takes minutes and saves 3 % more.
const params = { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: 24 };
const sizes = new Map();
/** Bytes of files, as they are and compressed. */
function bytesOf(files) {
  const all = files.map((file) => {
    if (!sizes.has(file)) {
      const bytes = readFileSync(file);
      sizes.set(file, { raw: bytes.length, brotli: brotliCompressSync(bytes, { params }).length });
    }
    return sizes.get(file);
  });
  return {
    raw: all.reduce((sum, { raw }) => sum + raw, 0),
    brotli: all.reduce((sum, { brotli }) => sum + brotli, 0),
  };
}
const mega = (bytes) => (bytes / 1e6).toFixed(2).padStart(6);
const row = (what, files) => {
  const { raw, brotli } = bytesOf(files);
  console.log(`| ${what.padEnd(58)} | ${mega(brotli)} | ${mega(raw)} |`);
  return brotli;
};

const folder = mkdtempSync(path.join(tmpdir(), "first-visit-"));
await bundle(folder);
const files = readdirSync(folder);
/** What a page on a device fetches: all but the other devices' runtimes. */
const library = (kind, wasm) =>
  files
    .filter((name) => name.endsWith(".js") && !/^(element|page)/.test(name))
    .filter((name) => !name.startsWith("ort.") || name.startsWith(`ort.${kind}.`))
    .concat(`ort-wasm-simd-threaded${wasm}.wasm`)
    .map((name) => path.join(folder, name));

console.log("| what                                                       | brotli MB | raw MB |");
console.log("| ---------------------------------------------------------- | --------: | -----: |");
row("library and runtime, WebAssembly", library("wasm", ""));
row("library and runtime, WebGPU in browsers with JSPI", library("jspi", ".jspi"));
row("library and runtime, WebGPU in browsers without", library("webgpu", ".asyncify"));
if (values.transformers) {
  const at = (...parts) => path.join(values.transformers, ...parts);
  const runtime = at("onnxruntime-web/dist");
  row("transformers.js and its runtime (one for both devices)", [
    at("transformers/dist/transformers.web.min.js"),
    path.join(runtime, "ort.webgpu.bundle.min.mjs"),
    path.join(runtime, "ort-wasm-simd-threaded.asyncify.wasm"),
  ]);
}
for (const [form, at] of Object.entries({ float32: values.model, fp16: values.fp16, int8: values.int8 })) {
  if (at === undefined) continue;
  const names = ["manifest.json", "inference_model.onnx", "weights.safetensors"].filter((name) =>
    existsSync(path.join(at, name)),
  );
  row(
    `model, weights in ${form}`,
    names.map((name) => path.join(at, name)),
  );
}
rmSync(folder, { recursive: true });
