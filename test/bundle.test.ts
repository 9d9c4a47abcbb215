/** What a bundler makes of the builder: a page gets what it uses, nothing of Node, and files still know every operator. */
import { fileURLToPath } from "node:url";
import * as builder from "@onnx-diffusion/graph-builder";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";
import { OPS } from "../packages/graph-builder/src/ops/registry.js";

type Builder = typeof builder;

const root = fileURLToPath(new URL("..", import.meta.url));

/** The bundle of some exports, for browsers: the text, and the source files that something of is left of. */
async function bundle(names: string) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: `export ${names} from "@onnx-diffusion/graph-builder";`, resolveDir: `${root}/test` },
    ...{ bundle: true, minify: true, write: false, metafile: true, format: "esm", platform: "browser" },
    absWorkingDir: root,
  });
  const [{ inputs }] = Object.values(metafile.outputs) as [(typeof metafile.outputs)[string]];
  const files = Object.keys(inputs).filter((file) => inputs[file]!.bytesInOutput > 0);
  return {
    text: outputFiles[0]!.text,
    files: files.map((file) => file.replace(/^packages\/|dist\/|\.js$/g, "")),
  };
}

/** Runs a bundle's text as a module. */
const load = async (text: string) =>
  (await import(`data:text/javascript,${encodeURIComponent(text)}`)) as Builder;

const WRITING = "{ buildModel, gradients, input, mul, reduceSum, writeOnnx }";

describe("one import", () => {
  // A product's bundle has products, sums and what their gradients are made of; kB after minification, about 20 %
  // above what they are.
  test.each<[string, number, string[]]>([
    ["{ input }", 4, ["ops/arithmetic", "op", "build", "gradients"]],
    [
      "{ mul }",
      27,
      ["build", "gradients", "ops/conv", "ops/matmul", "ops/norm", "ops/loop", "ops/registry", "onnx/write"],
    ],
    ["{ conv2d }", 2, ["ops/conv", "lowering/cpu", "lowering/native", "lowering/patches", "networks/unet"]],
    ["{ readOnnx }", 17, ["onnx/write", "onnx/encode", "ops/arithmetic", "op", "build"]],
    [
      WRITING,
      43,
      ["onnx/read", "onnx/decode", "ops/conv", "ops/matmul", "ops/registry", "params", "networks/unet"],
    ],
  ])("%s takes at most %i kB and leaves the rest", async (names, limit, mustNotAppear) => {
    const { text, files } = await bundle(names);
    expect(text.length).toBeLessThan(limit * 1000);
    expect(files.filter((file) => mustNotAppear.includes(file.replace("graph-builder/", "")))).toEqual([]);
    // The names are right: the whole has them all.
    expect((await bundle("*")).files).toEqual(
      expect.arrayContaining(mustNotAppear.map((file) => `graph-builder/${file}`)),
    );
    expect(text).not.toMatch(/BatchNormalization|"ConvTranspose"|"Erf"|adamw|unet-cond/);
  });

  test("the bundle works", async () => {
    const make = ({ buildModel, gradients, input, mul, reduceSum, writeOnnx }: Builder) => {
      const x = input("x", "float32", ["n"]);
      const loss = reduceSum(mul(x, x));
      const [dx] = gradients(loss, [x]);
      return writeOnnx(buildModel({ name: "m", inputs: [x], outputs: { loss, dx: dx! } }));
    };
    expect(make(await load((await bundle(WRITING)).text))).toEqual(make(builder));
  });
});

test("importModel alone brings every operator", async () => {
  const { importModel: bundled } = await load((await bundle("{ importModel }")).text);
  const { buildModel, exp, importModel, input } = builder;
  const x = input("x", "float32", [2]);
  const model = buildModel({ name: "m", inputs: [x], outputs: { y: exp(x) } });
  const [node] = model.graph.nodes;
  const messageOf = (read: typeof importModel, opType: string) => {
    try {
      read({ ...model, graph: { ...model.graph, nodes: [{ ...node!, opType }] } });
    } catch (error) {
      return (error as builder.GraphError).message;
    }
    return "";
  };
  const UNKNOWN = /operators that are not supported/;
  expect(messageOf(bundled, "Nonsense")).toMatch(UNKNOWN);
  // Most say that Exp's one input is not what they take; none says that there is no such operator.
  for (const name of OPS.keys()) {
    expect(messageOf(bundled, name), name).not.toMatch(UNKNOWN);
    expect(messageOf(bundled, name), name).toBe(messageOf(importModel, name));
  }
});

test("the whole needs nothing of Node", async () => {
  // esbuild fails where it cannot resolve an import for browsers, as node:fs.
  const { text, files } = await bundle("*");
  expect(files.length).toBeGreaterThan(60);
  expect(text).not.toMatch(/["']node:|\brequire\(|\bprocess\.|\bBuffer\./);
  // 106 kB when this was written, of which a page takes what it uses.
  expect(text.length).toBeLessThan(200_000);
});
