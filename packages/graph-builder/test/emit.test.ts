/** The `graph-builder` command: folders, reproducibility, and mistakes on its command line. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseManifest } from "@onnx-diffusion/diffusion";
import { afterAll, describe, expect, test } from "vitest";
import { command } from "./command.js";

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), "emit-"));
afterAll(() => rmSync(folder, { recursive: true }));

const run = (...args: string[]) => command(folder, ...args);

/** The program itself, for files that import the package: they get the program's own copy of it. */
function runProgram(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [here("../dist/cli.js"), ...args], {
    cwd: folder,
    encoding: "utf8",
    timeout: 300_000,
  });
  return { status, stdout, stderr };
}

const contents = (name: string) =>
  Object.fromEntries(
    readdirSync(path.join(folder, name)).map((file) => [file, readFileSync(path.join(folder, name, file))]),
  );

const FILES = [
  "eval_model.onnx",
  "inference_model.onnx",
  "manifest.json",
  "optimizer_model.onnx",
  "training_loop.onnx",
  "training_model.onnx",
  "training_step.onnx",
];

describe("emit", () => {
  test("writes the practical's network, the same bytes every time, in seconds", async () => {
    const args = ["emit", "unet-cond", "--out"];
    runProgram(...args, "first");
    const before = process.cpuUsage();
    await run(...args, "second");
    const { user, system } = process.cpuUsage(before);
    // About 0.7 s on two cores. Of the processor, not of the clock: other programs may hold it up, and it may be slower.
    expect((user + system) / 1e6).toBeLessThan(7);
    const first = contents("first");
    expect(Object.keys(first)).toEqual(FILES);
    expect(contents("second")).toEqual(first);
    const manifest = parseManifest(first["manifest.json"]!.toString(), "manifest.json");
    expect(manifest.state.filter((s) => s.kind === "parameter").map((s) => s.name)).toContain(
      "down1.conv.weight",
    );
    // 5,196,800 weights of convolutions, 3 biases and 297 weights of the last one, 2 x 1168 of batch norms.
    const parameters = manifest.state.filter((s) => s.kind === "parameter");
    expect(parameters.reduce((sum, s) => sum + s.shape.reduce((a, b) => a * b, 1), 0)).toBe(5_199_436);
  });

  test("takes options of the network", async () => {
    const { status } = await run(
      "emit",
      "unet",
      "--out",
      "narrow",
      "--option",
      "channels=8,12,16,20",
      "--option",
      "bottleneck=24",
    );
    expect(status).toBe(0);
    const manifest = parseManifest(contents("narrow")["manifest.json"]!.toString(), "manifest.json");
    expect(manifest.network.options).toEqual({
      channels: [8, 12, 16, 20],
      bottleneck: 24,
      up: [256, 196, 128, 96],
    });
  });

  test("takes an optimizer, groups of parameters, clipping and an average", async () => {
    const training =
      "--optimizer sgd:momentum=0.9,nesterov=true --freeze conv1.* --group *.bias:learningRateScale=0.5 --clip 2 --ema 0.99";
    expect((await run("emit", "conv", "--out", "sgd", ...training.split(" "))).status).toBe(0);
    const { optimizer, state, graphs } = parseManifest(
      contents("sgd")["manifest.json"]!.toString(),
      "manifest.json",
    );
    expect(optimizer).toEqual({
      name: "sgd",
      options: { momentum: 0.9, dampening: 0, weightDecay: 0, nesterov: true },
      groups: [
        { match: "conv1.*", frozen: true },
        { match: "*.bias", learningRateScale: 0.5 },
      ],
      clip: 2,
      ema: 0.99,
    });
    expect(state.map(({ name, kind, frozen = false }) => [kind, name, frozen])).toEqual([
      ["parameter", "conv1.conv.weight", true],
      ["parameter", "conv1.conv.bias", true],
      ["parameter", "conv1.bn.weight", true],
      ["parameter", "conv1.bn.bias", true],
      ["parameter", "conv2.conv.weight", false],
      ["parameter", "conv2.conv.bias", false],
      ["buffer", "conv1.bn.running_mean", false],
      ["buffer", "conv1.bn.running_var", false],
      ["optimizer", "conv2.conv.weight.momentum_buffer", false],
      ["optimizer", "conv2.conv.bias.momentum_buffer", false],
      ["average", "conv2.conv.weight.ema", false],
      ["average", "conv2.conv.bias.ema", false],
      ["average", "conv1.bn.running_mean.ema", false],
      ["average", "conv1.bn.running_var.ema", false],
      ["counter", "step", false],
    ]);
    const outputs = graphs.training_model!.outputs.map((o) => o.name);
    expect(outputs.filter((name) => name.endsWith("_grad"))).toEqual([
      "conv2.conv.weight_grad",
      "conv2.conv.bias_grad",
    ]);
  });

  test("takes a table of convolutions' forms, and says what is wrong with one", async () => {
    const row = { kernel: [3, 3], stride: 1, pad: 1, large: [32, 32], channels: 3, filters: 8 };
    const emitBy = (forms: unknown, ...flags: string[]) => {
      const table = { format: "onnx-diffusion-forms", version: 1, forms };
      writeFileSync(path.join(folder, "forms.json"), JSON.stringify(table));
      const words = ["conv", "--option", "hidden=8", "--forms", "forms.json", "--out", "by-table"];
      return run("emit", ...words, ...flags);
    };
    expect((await emitBy([{ ...row, form: "native" }])).status).toBe(0);
    const { graphs } = parseManifest(contents("by-table")["manifest.json"]!.toString(), "manifest.json");
    expect(graphs.training_loop!.forms).toEqual([{ ...row, form: "native" }]);
    const refused: [string, () => ReturnType<typeof run>][] = [
      ['forms.json: forms[0].form: found "fast", expected', () => emitBy([{ ...row, form: "fast" }])],
      ['forms: "winograd" cannot compute kernel 3x3', () => emitBy([{ ...row, form: "winograd" }])],
      ["forms: none of the table's 0 shapes is one of the 2 in conv; measure them", () => emitBy([])],
      [
        "forms: they are for CPUs, but target webgpu has no graph for one; leave one out",
        () => emitBy([{ ...row, form: "native" }], "--target", "webgpu"),
      ],
      ["--forms: cannot read none.json: no such file", () => run("emit", "conv", "--forms", "none.json")],
    ];
    for (const [message, attempt] of refused) {
      const { status, stderr } = await attempt();
      expect(stderr).toContain(message);
      expect([status, stderr.trimEnd().split("\n").length]).toEqual([1, 1]);
    }
  });

  test("takes a network from a file", () => {
    const example = here("../examples/my-net.ts");
    expect(runProgram("emit", example).stdout).toMatch(/^models\/my-net: 7 files/);
    const manifest = parseManifest(contents("models/my-net")["manifest.json"]!.toString(), "manifest.json");
    expect(manifest).toMatchObject({ network: { name: "my-net" }, classes: 10, timestep: false });
  });

  test("writes into models/ and takes other options for a group", async () => {
    const options = ["--optimizer", "adamw", "--group", "*.bias:weightDecay=0"];
    expect((await run("emit", "conv", ...options)).stdout).toMatch(/^models\/conv: 7 files/);
    const manifest = parseManifest(contents("models/conv")["manifest.json"]!.toString(), "manifest.json");
    expect(manifest.optimizer!.groups).toEqual([{ match: "*.bias", options: { weightDecay: 0 } }]);
  });

  test("gives the options of a network in a file as texts, truths and numbers", async () => {
    writeFileSync(
      path.join(folder, "plain.mjs"),
      `export default Object.assign(
         (options) => { throw new Error(JSON.stringify(options)); },
         { defaults: { mode: "a", deep: true, wide: true, channels: [1, 2] }, description: "" });`,
    );
    const emit = (...options: string[]) =>
      run("emit", "./plain.mjs", ...options.flatMap((option) => ["--option", option]));
    expect(await emit("mode=b=c", "deep=false", "wide=true", "channels=3,4")).toEqual({
      status: 1,
      stdout: "",
      stderr:
        'graph-builder: {"mode":"b=c","deep":false,"wide":true,"channels":[3,4]} (--verbose shows where)\n',
    });
    expect(await emit("deep=maybe")).toMatchObject({
      status: 2,
      stderr: '--option deep=maybe: found "maybe", expected true or false\n',
    });
    const { stderr } = await run("emit", "./plain.mjs", "--verbose");
    expect(stderr).toMatch(/^Error: \{\}\n +at .*plain\.mjs/);
  });

  test.each([
    ["export default 3;", "its default export is no network; write `export default defineNetwork({ ... })`"],
    [
      "export default () => 3;",
      "its default export is no network; write `export default defineNetwork({ ... })`",
    ],
    ["throw new Error('first\\nsecond');", "cannot be loaded: first"],
  ])("refuses a file of %s", async (source, message) => {
    const file = `wrong-${source.length}.mjs`;
    writeFileSync(path.join(folder, file), source);
    const where = message.startsWith("cannot") ? `network file ./${file} ` : `network file ./${file}: `;
    expect(await run("emit", `./${file}`)).toMatchObject({ status: 1, stderr: `${where}${message}\n` });
  });

  test("says that a network has no options", async () => {
    const source = "export default Object.assign(() => 3, { defaults: {}, description: '' });";
    writeFileSync(path.join(folder, "none.mjs"), source);
    const { stderr } = await run("emit", "./none.mjs", "--option", "a=1");
    expect(stderr).toMatch(/^--option a=1: \S* ?has no option "a"; its options are: none\n$/);
  });

  test("gives a JavaScript file and its errors the same treatment", () => {
    writeFileSync(
      path.join(folder, "wrong.mjs"),
      `import { conv2d, defineNetwork } from "@onnx-diffusion/graph-builder";
       export default defineNetwork({ name: "wrong", description: "", options: {}, shape: () => ({}),
         forward: (p, { sample }) => conv2d(p.at("big"), sample, { channels: 3, kernel: 99 }) });`,
    );
    const { status, stderr } = runProgram("emit", "./wrong.mjs");
    expect(stderr).toBe(
      'Conv "big": the kernel 99 does not fit the padded size 32 of spatial axis 0; pad more or shrink the kernel\n',
    );
    expect(status).toBe(1);
    expect(readdirSync(folder)).not.toContain("models/wrong");
  });
});

describe.each<[string[], number, string | RegExp]>([
  [[], 2, "graph-builder: no command given, expected emit, inspect, grad or list; see --help\n"],
  [
    ["emit"],
    2,
    "graph-builder: emit: which network? such as graph-builder emit unet-cond; see graph-builder emit --help\n",
  ],
  [
    ["emti", "unet"],
    2,
    'graph-builder: command: found "emti", expected emit, inspect, grad or list; see --help\n',
  ],
  [
    ["emit", "resnet"],
    2,
    'network "resnet" is not known; expected conv, unet, unet-cond, unet-time, or a file such as ./my-net.ts\n',
  ],
  [["emit", "./nowhere.ts"], 2, "network file ./nowhere.ts does not exist; check the path\n"],
  [
    ["emit", "unet", "--option", "depth=3"],
    2,
    '--option depth=3: unet has no option "depth"; its options are: channels, bottleneck, up\n',
  ],
  [
    ["emit", "unet", "--option", "bottleneck"],
    2,
    "--option bottleneck: expected key=value; its options are: channels, bottleneck, up\n",
  ],
  [
    ["emit", "unet", "--option", "bottleneck=-1"],
    2,
    '--option bottleneck=-1: found "-1", expected a whole number in 1..65536\n',
  ],
  [
    ["emit", "unet", "--option", "up=1,2"],
    2,
    "--option up=1,2: found 2 numbers, expected 4 as in 256,196,128,96\n",
  ],
  [["emit", "unet", "--optimizer", "lion"], 2, "--optimizer lion: expected sgd, adam, adamw\n"],
  [
    ["emit", "unet", "--optimizer", "adamw:decay=0.1"],
    2,
    '--optimizer adamw:decay=0.1: adamw: there is no option "decay"; its options are: beta1, beta2, epsilon, weightDecay\n',
  ],
  [
    ["emit", "unet", "--optimizer", "adam:beta1=1"],
    2,
    "--optimizer adam:beta1=1: adam: the option beta1 is 1, expected a number of 0 or more, below 1\n",
  ],
  [
    ["emit", "unet", "--optimizer", "sgd:nesterov=yes"],
    2,
    '--optimizer sgd:nesterov=yes: nesterov is "yes", expected a number, true or false\n',
  ],
  [
    ["emit", "unet", "--optimizer", "sgd:nesterov=true"],
    2,
    "--optimizer sgd:nesterov=true: sgd: nesterov needs a momentum above 0 and no dampening, found momentum 0 and dampening 0\n",
  ],
  [
    ["emit", "unet", "--group", "*.bias:weightDecay"],
    2,
    "--group *.bias:weightDecay: expected NAME:key=value,key=value, such as *.bias:weightDecay=0\n",
  ],
  [
    ["emit", "unet", "--group", "*:learningRateScale=true"],
    2,
    "--group *:learningRateScale=true: learningRateScale takes a number\n",
  ],
  [
    ["emit", "unet", "--freeze", "dwon1.*"],
    1,
    'parameter group "dwon1.*": no parameter has such a path; the paths are like down1.conv.weight, down1.bn.weight, down1.bn.bias\n',
  ],
  [
    ["emit", "unet", "--freeze", "*"],
    1,
    "parameter groups: every parameter is frozen; leave at least one to train\n",
  ],
  [["emit", "unet", "--clip", "0"], 2, "--clip 0: expected a number above 0\n"],
  [["emit", "unet", "--clip", " "], 2, "--clip  : expected a number above 0\n"],
  [["emit", "unet", "--ema", "1"], 2, "--ema 1: expected a number of 0 or more, below 1\n"],
  [["emit", "unet", "--wat"], 2, /^graph-builder: Unknown argument: wat; see --help\n$/],
  [
    ["emit", "unet", "--out", path.join(here("emit.test.ts"), "x")],
    1,
    /^cannot make the folder \S+: a file of that name is in the way; choose another path\n$/,
  ],
])("graph-builder %s", (args, status, message) => {
  test("is refused in one line", async () => {
    const result = await run(...args);
    if (typeof message === "string") expect(result.stderr).toBe(message);
    else expect(result.stderr).toMatch(message);
    expect(result.status).toBe(status);
  });
});

test("list names the networks with their options", async () => {
  expect((await run("list")).stdout).toContain("--option channels=72,96,128,196\n");
});
