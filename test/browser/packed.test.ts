/** The library as it would be published: in an empty Vite project, and in a bare HTML file beside the package. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { folderFiles } from "./library-page.js";
import { BROWSER, openPage, type Served } from "./page.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const plain = folderFiles(fileURLToPath(new URL("../foreign/plain", import.meta.url)));

/** Without an icon of its own a page asks for one. */
const HEAD = '<!doctype html><link rel="icon" href="data:,">';

/** What a user writes. The pixels go where the test finds them. */
const program = (library: string) => `
  import { Sampler } from "${library}";
  const sampler = await Sampler.load("/model/", { device: "wasm" });
  const images = await sampler.sample({ count: 1, steps: 3, seed: 5 });
  globalThis.drawn = [...images.x.subarray(0, 8)];
  await sampler.dispose();`;

// A developer's machine may have no browser; CI has one, or fails.
describe.skipIf(BROWSER === undefined && !process.env.CI)("packed", () => {
  const project = mkdtempSync(path.join(tmpdir(), "empty-vite-"));
  const at = (...parts: string[]) => path.join(project, ...parts);
  const run = (command: string, args: string[], cwd = project) =>
    execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

  beforeAll(() => {
    const archives = ["diffusion", "sampler-web"].map((name) => {
      const args = ["-y", "pnpm@12", "pack", "--json", "--pack-destination", project];
      const told = run("npx", args, path.join(root, "packages", name));
      return (JSON.parse(told.slice(told.indexOf("{"))) as { filename: string }).filename;
    });
    writeFileSync(at("package.json"), JSON.stringify({ name: "empty-vite", type: "module" }));
    const options = ["--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
    run("npm", ["install", ...options, ...archives, "vite@8.3.8"]);
  }, 400_000);
  afterAll(() => rmSync(project, { recursive: true, force: true }));

  /** Serves files, opens `/`, and waits for what the program drew. */
  async function drawn(files: Record<string, Served>, html: string): Promise<number[]> {
    for (const [name, bytes] of plain) files[`/model/${name}`] = { bytes };
    files["/"] = { text: html, type: "text/html" };
    await using opened = await openPage(files);
    const result = await opened.page
      .waitForFunction(() => (globalThis as { drawn?: number[] }).drawn, undefined)
      .catch((error: unknown) => {
        throw new Error(`${error}\n${opened.errors.join("\n")}`);
      });
    expect(opened.errors).toEqual([]);
    return (await result.jsonValue()) as number[];
  }

  const served = (folder: string, under: string): Record<string, Served> =>
    Object.fromEntries(
      readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((name) => statSync(path.join(folder, name)).isFile())
        .map((name) => [`${under}/${name}`, { file: path.join(folder, name) }]),
    );

  test("an empty Vite project and a bare HTML file draw the same", async () => {
    writeFileSync(at("index.html"), `${HEAD}<script type="module" src="/main.js"></script>`);
    writeFileSync(at("main.js"), program("@onnx-diffusion/sampler-web"));
    run("npx", ["vite", "build"]);
    const built = served(at("dist"), "");
    const inVite = await drawn(built, readFileSync(at("dist/index.html"), "utf8"));

    const installed = at("node_modules/@onnx-diffusion/sampler-web");
    const library = "/node_modules/@onnx-diffusion/sampler-web/dist/static";
    const bare = `${HEAD}<script type="module">${program(`${library}/sampler.js`)}</script>`;
    const inBare = await drawn(served(path.join(installed, "dist/static"), library), bare);

    expect(inVite).toHaveLength(8);
    expect(inBare).toEqual(inVite);
  });

  test("its types hold in a strict program", () => {
    writeFileSync(
      at("typed.ts"),
      `import { Sampler, type SamplerError, type Images } from "@onnx-diffusion/sampler-web";
       const sampler: Sampler = await Sampler.load("models/digits/", { device: "webgpu" });
       const images: Images = await sampler.sample({ sampler: "dpm++2m", steps: 20, previews: 5 });
       // @ts-expect-error no such sampler
       sampler.sample({ sampler: "nonsense" });
       export const code = (error: SamplerError): string => \`\${error.code} \${images.count}\`;`,
    );
    const compilerOptions = {
      ...{ target: "es2023", module: "nodenext", strict: true, noEmit: true, types: [] },
      ...{ lib: ["es2023", "dom", "dom.iterable"], exactOptionalPropertyTypes: true, skipLibCheck: true },
    };
    writeFileSync(at("tsconfig.json"), JSON.stringify({ compilerOptions, files: ["typed.ts"] }));
    const tsc = path.join(root, "node_modules/typescript/bin/tsc");
    expect(run(process.execPath, [tsc, "-p", "."])).toBe("");
  });
});
