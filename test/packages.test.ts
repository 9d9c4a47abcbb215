/** The packages as they would be published: packed, installed by npm in an empty project outside the workspace, used. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const project = mkdtempSync(path.join(tmpdir(), "empty-project-"));
afterAll(() => rmSync(project, { recursive: true, force: true }));
const at = (...parts: string[]) => path.join(project, ...parts);
const installed = (name: string, ...parts: string[]) => at("node_modules/@onnx-diffusion", name, ...parts);

/** Packs a package as `publish` would: workspace versions become numbers. Returns the archive. */
function pack(name: string): string {
  const args = ["-y", "pnpm@12", "pack", "--json", "--pack-destination", project];
  const text = execFileSync("npx", args, {
    cwd: path.join(root, "packages", name),
    encoding: "utf8",
    stdio: "pipe",
  });
  return (JSON.parse(text) as { filename: string }).filename;
}

const run = (command: string, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: project,
    encoding: "utf8",
    timeout: 300_000,
  });
  return { status, stdout, stderr };
};

beforeAll(() => {
  const archives = ["diffusion", "graph-builder"].map(pack);
  writeFileSync(at("package.json"), JSON.stringify({ name: "empty-project", type: "module" }));
  const options = ["--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
  const result = run("npm", "install", ...options, ...archives);
  expect(result).toMatchObject({ status: 0 });
}, 300_000);

test.each(["diffusion", "graph-builder"])(
  "%s has what its package.json promises, and no build leftovers",
  (name) => {
    const manifest = JSON.parse(readFileSync(installed(name, "package.json"), "utf8"));
    expect(existsSync(installed(name, manifest.exports["."].types))).toBe(true);
    expect(existsSync(installed(name, manifest.exports["."].default))).toBe(true);
    expect(JSON.stringify(manifest.dependencies ?? {})).not.toContain("workspace:");
    expect(readdirSync(installed(name)).sort()).toEqual([
      "LICENSE",
      "README.md",
      "dist",
      "package.json",
      "src",
    ]);
    expect(readdirSync(installed(name, "dist"))).not.toContain(".tsbuildinfo");
  },
);

test("a script in plain JavaScript makes a model with its gradient", async () => {
  writeFileSync(
    at("make.js"),
    `import { writeFileSync } from "node:fs";
     import { buildModel, gradients, input, mul, reduceSum, sin, writeOnnx } from "@onnx-diffusion/graph-builder";
     const x = input("x", "float32", ["n"]);
     const loss = reduceSum(mul(x, sin(x)));
     const [dx] = gradients(loss, [x]);
     writeFileSync("model.onnx", writeOnnx(buildModel({ name: "m", inputs: [x], outputs: { loss, dx } })));`,
  );
  expect(run(process.execPath, "make.js")).toEqual({ status: 0, stdout: "", stderr: "" });
  const session = await InferenceSession.create(at("model.onnx"));
  const { dx } = await session.run({ x: new Tensor("float32", [0.5, -2], [2]) });
  // d(x sin x) = sin x + x cos x; float32's last digits.
  for (const [i, v] of [0.5, -2].entries())
    expect(Math.abs((dx!.data[i] as number) - (Math.sin(v) + v * Math.cos(v)))).toBeLessThan(1e-6);
});

test("a program in TypeScript is checked against its types", () => {
  writeFileSync(
    at("typed.ts"),
    `import { add, gradients, input, type Model, buildModel, type Tensor } from "@onnx-diffusion/graph-builder";
     import { linearSchedule, PRACTICAL_SCHEDULE } from "@onnx-diffusion/diffusion";
     const x: Tensor = input("x", "float32", ["n"]);
     const model: Model = buildModel({ name: "m", inputs: [x], outputs: { y: add(x, 1) } });
     const steps: number = linearSchedule(PRACTICAL_SCHEDULE).T;
     // @ts-expect-error an element type that ONNX has not
     input("y", "float33", [1]);
     // @ts-expect-error gradients come as a list
     const [g]: string[] = gradients(x, [x]);
     export { g, model, steps };`,
  );
  const compilerOptions = {
    ...{ target: "es2022", module: "nodenext", strict: true, noEmit: true, types: [], lib: ["es2022"] },
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
  };
  writeFileSync(at("tsconfig.json"), JSON.stringify({ compilerOptions, files: ["typed.ts"] }));
  const tsc = path.join(root, "node_modules/typescript/bin/tsc");
  expect(run(process.execPath, tsc, "-p", ".")).toEqual({ status: 0, stdout: "", stderr: "" });
});

test("the command is there and works", () => {
  const command = at("node_modules/.bin/graph-builder");
  const help = run(command, "--help");
  expect(help).toMatchObject({ status: 0, stderr: "" });
  expect(help.stdout).toContain("graph-builder emit <network>");
  expect(run(command, "emit", "conv").status).toBe(0);
  const emitted = readFileSync(at("models/conv/inference_model.onnx"));
  expect(emitted).toEqual(readFileSync(path.join(root, "models/conv/inference_model.onnx")));
});
