/** The picture that `graph-builder inspect --svg` draws: whole XML, every node in it, nothing on top of anything else. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { drawModel } from "../src/drawing/draw.js";
import { type Model, readOnnx } from "../src/index.js";
import { command } from "./command.js";
import { file, op, value } from "./foreign-file.js";

const MODELS = fileURLToPath(new URL("../../../models/", import.meta.url));
const load = (file: string): Model => readOnnx(readFileSync(join(MODELS, file)));

/** The elements of an XML text, by a reader that knows no mercy. @throws where tags do not match. */
function elements(xml: string): { name: string; attributes: Record<string, string>; text: string }[] {
  const found: { name: string; attributes: Record<string, string>; text: string }[] = [];
  const open: typeof found = [];
  const token = /<(\/?)([a-z]+)((?:\s+[A-Za-z-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gy;
  let at = 0;
  for (let match = token.exec(xml); match; match = token.exec(xml)) {
    at = token.lastIndex;
    const [, closing, name, attributes, empty, text] = match;
    if (text !== undefined) {
      if (/&(?!amp;|lt;|gt;|quot;)/.test(text)) throw new Error(`a bare & in ${text}`);
      if (open.length > 0) open.at(-1)!.text += text;
      else if (text.trim()) throw new Error(`text outside: ${text}`);
    } else if (closing) {
      if (open.pop()?.name !== name) throw new Error(`</${name}> closes another`);
    } else {
      const pairs = [...attributes!.matchAll(/([A-Za-z-]+)="([^"]*)"/g)].map((m) => [m[1]!, m[2]!]);
      const element = {
        name: name!,
        attributes: Object.fromEntries(pairs) as Record<string, string>,
        text: "",
      };
      found.push(element);
      if (!empty) open.push(element);
    }
  }
  if (at !== xml.length || open.length > 0) throw new Error(`no XML at ${at}: ${xml.slice(at, at + 80)}`);
  return found;
}

const boxes = (svg: string) =>
  elements(svg)
    .filter(({ name, attributes }) => name === "rect" && /^(node|value)$/.test(attributes.class ?? ""))
    .map(({ attributes: { x, y, width, height } }) => [x, y, width, height].map(Number) as Box);
type Box = [x: number, y: number, width: number, height: number];

const apart = ([ax, ay, aw, ah]: Box, [bx, by, bw, bh]: Box): boolean =>
  ax + aw <= bx || bx + bw <= ax || ay + ah <= by || by + bh <= ay;

describe("drawModel", () => {
  test("a small model: a box for each node, inputs and outputs, scopes in frames, none over another", async () => {
    const model = load("unet-cond/inference_model.onnx");
    const svg = await drawModel(model, "the U-Net");
    const all = elements(svg);
    const titles = all.filter(({ attributes }) => attributes.class === "title").map(({ text }) => text);
    const { nodes, inputs, outputs } = model.graph;
    expect(titles.sort()).toEqual(
      [...nodes.map((n) => n.opType), ...[...inputs, ...outputs].map(({ name }) => name)].sort(),
    );
    const labels = all.filter(({ attributes }) => attributes.class === "label").map(({ text }) => text);
    expect(labels).toEqual(expect.arrayContaining(["down1", "bottleneck", "up4", "out"]));
    const areas = boxes(svg);
    expect(areas).toHaveLength(titles.length);
    areas.forEach((a, i) => {
      for (const b of areas.slice(i + 1)) expect(apart(a, b)).toBe(true);
    });
    const { width, height } = all[0]!.attributes;
    for (const [x, y, w, h] of areas) {
      expect(Math.min(x, y)).toBeGreaterThanOrEqual(0);
      expect(x + w).toBeLessThanOrEqual(Number(width));
      expect(y + h).toBeLessThanOrEqual(Number(height));
    }
    expect(await drawModel(model, "the U-Net")).toBe(svg);
  });

  test("a large model: fewer boxes than nodes", async () => {
    const model = load("unet-cond/training_model.onnx");
    const svg = await drawModel(model, "gradients");
    expect(elements(svg).filter(({ name }) => name === "g").length).toBeLessThan(
      model.graph.nodes.length / 3,
    );
  });

  test("names that would be markup, and operators that nobody knows", async () => {
    const model = load("conv/inference_model.onnx");
    const [first, ...rest] = model.graph.nodes;
    const hostile = '</text><script>alert("&")</script>\u0000\ud800';
    const nodes = [{ ...first!, name: `${hostile}/x`, opType: hostile }, ...rest];
    const svg = await drawModel({ ...model, graph: { ...model.graph, nodes } }, hostile);
    expect(elements(svg).map(({ name }) => name)).not.toContain("script");
  });
});

test("nodes and graphs without names: what lies in them is drawn, in a frame for each graph", async () => {
  const graph = (operator: string, name = "") => ({
    name,
    node: [op(operator, ["x"], [`${operator}_y`], { name: "" })],
    output: [value(`${operator}_y`)],
  });
  const branches = [
    { name: "then_branch", type: 5, g: graph("Relu") },
    { name: "else_branch", type: 5, g: graph("Neg", "otherwise") },
  ];
  const model = readOnnx(
    file({
      input: [value("x"), value("b", [], 9)],
      node: [
        op("If", ["b"], ["y"], { name: "", attribute: branches }),
        op("Nobody", ["y"], [""], { name: "" }),
      ],
    }),
  );
  const all = elements(await drawModel(model, "a choice"));
  const texts = (kind: string) =>
    all.filter(({ attributes }) => attributes.class?.split(" ")[0] === kind).map(({ text }) => text);
  expect(texts("label").sort()).toEqual(["If", "graph 1", "otherwise"]);
  expect(texts("title")).toEqual(expect.arrayContaining(["Relu", "Neg", "Nobody", "x", "b", "y"]));
});

describe("graph-builder inspect --svg", () => {
  const folder = mkdtempSync(join(tmpdir(), "drawing-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const UNET = join(MODELS, "unet-cond/inference_model.onnx");

  test("writes the picture", async () => {
    const out = join(folder, "unet.svg");
    expect((await command(folder, "inspect", UNET, "--svg", out)).status).toBe(0);
    expect(elements(readFileSync(out, "utf8"))[0]!.name).toBe("svg");
  });

  test("a place that cannot be written is said in one line", async () => {
    const { status, stderr } = await command(
      folder,
      "inspect",
      UNET,
      "--svg",
      join(folder, "no", "such", "unet.svg"),
    );
    expect(status).toBe(1);
    expect(stderr).toMatch(/^cannot write .*unet\.svg/);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});
