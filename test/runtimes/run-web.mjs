/**
 * Runs a model in Chromium with onnxruntime-web, or here with jax-js:
 *
 *     node run-web.mjs wasm|webgpu|jax MODEL FEEDS OUTPUT FILE
 *
 * FEEDS is a folder with feeds.txt, a line for each input: name, type, sizes ("-" for none), file. Writes the bytes of
 * OUTPUT to FILE and prints the milliseconds of the best run in a second after that.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";

const [runtime, model, feeds, output, file] = process.argv.slice(2);
const inputs = readFileSync(join(feeds, "feeds.txt"), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => {
    const [name, dtype, sizes, at] = line.split(" ");
    return { name, dtype, dims: sizes === "-" ? [] : sizes.split(",").map(Number), at };
  });
const { values, milliseconds } = await (runtime === "jax" ? withJax() : inChromium(runtime));
const type = output === "images" ? Uint8Array : Float32Array;
writeFileSync(file, new Uint8Array(type.from(values).buffer));
console.log(milliseconds);

async function withJax() {
  const { init, defaultDevice, numpy: np } = await import("@jax-js/jax");
  const { ONNXModel } = await import("@jax-js/onnx");
  await init("wasm");
  defaultDevice("wasm");
  const network = new ONNXModel(new Uint8Array(readFileSync(model)));
  const types = { float32: Float32Array, int32: Int32Array };
  const tensors = () =>
    Object.fromEntries(
      inputs.map(({ name, dtype, dims, at }) => {
        if (types[dtype] === undefined) throw new Error(`jax-js has no ${dtype}`);
        const bytes = new Uint8Array(readFileSync(join(feeds, at)));
        return [name, np.array(new types[dtype](bytes.buffer)).reshape(dims)];
      }),
    );
  const run = () => network.run(tensors())[output].data();
  const values = await run();
  return { values, milliseconds: await bestOf(run) };
}

/** Milliseconds of the best run in a second, of one run at least. */
async function bestOf(run) {
  const start = performance.now();
  let best = Number.POSITIVE_INFINITY;
  do {
    const begin = performance.now();
    await run();
    best = Math.min(best, performance.now() - begin);
  } while (performance.now() - start < 1000);
  return best;
}

async function inChromium(provider) {
  const { chromium } = await import("playwright-core");
  const library = dirname(createRequire(import.meta.url).resolve("onnxruntime-web"));
  const server = createServer(({ url }, response) => {
    const [, kind, ...rest] = url.split("/");
    const folder = { ort: library, model: dirname(model), feeds }[kind];
    const name = { js: "text/javascript", mjs: "text/javascript", wasm: "application/wasm" };
    // with these a page may have threads
    response.setHeader("cross-origin-opener-policy", "same-origin");
    response.setHeader("cross-origin-embedder-policy", "require-corp");
    if (url === "/") {
      response.setHeader("content-type", "text/html");
      return response.end("<!doctype html>");
    }
    const path = folder && join(folder, rest.join("/"));
    if (!path || !existsSync(path)) return response.writeHead(404).end();
    response.setHeader("content-type", name[url.split(".").at(-1)] ?? "application/octet-stream");
    response.end(readFileSync(path));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const executablePath = [process.env.CHROMIUM, "/usr/bin/chromium"].find((path) => path && existsSync(path));
  const args = ["--no-sandbox", "--enable-unsafe-webgpu"];
  const browser = await chromium.launch({ ...(executablePath ? { executablePath } : {}), args });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    const weights = "weights.safetensors";
    const external = existsSync(join(dirname(model), weights)) ? [weights] : [];
    // a script tag, so that the two functions find each other
    await page.addScriptTag({ content: `${bestOf}\n${runInPage}` });
    return await page.evaluate((asked) => globalThis.runInPage(asked), {
      provider,
      inputs,
      output,
      model: basename(model),
      external,
    });
  } finally {
    await browser.close();
    server.close();
  }
}

/** Runs in the page, beside bestOf: knows nothing else of what is around it here. */
async function runInPage({ provider, inputs, output, model, external }) {
  const load = new Function("url", "return import(url)");
  const ort = await load(`/ort/ort.${provider}.min.mjs`);
  ort.env.wasm.wasmPaths = "/ort/";
  ort.env.logLevel = "error";
  const bytes = async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer());
  const types = { float32: Float32Array, int32: Int32Array, int64: BigInt64Array, uint8: Uint8Array };
  const feeds = {};
  for (const { name, dtype, dims, at } of inputs) {
    const { buffer } = await bytes(`/feeds/${at}`);
    feeds[name] = new ort.Tensor(dtype, new types[dtype](buffer), dims);
  }
  const session = await ort.InferenceSession.create(await bytes(`/model/${model}`), {
    executionProviders: [provider],
    externalData: await Promise.all(
      external.map(async (path) => ({ path, data: await bytes(`/model/${path}`) })),
    ),
  });
  const results = await session.run(feeds, [output]);
  const milliseconds = await bestOf(() => session.run(feeds, [output]));
  return { values: Array.from(results[output].data), milliseconds };
}
