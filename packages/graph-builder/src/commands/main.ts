/** The `graph-builder` command. */
import { UserError } from "@onnx-diffusion/diffusion";
import yargs from "yargs";
import { NETWORKS } from "../networks/index.js";
import { OPTIMIZERS } from "../optimizers/index.js";
import { EMIT_TARGETS } from "../training/graphs.js";
import { emit } from "./emit.js";
import { gradCommand } from "./grad.js";
import { inspectCommand } from "./inspect.js";

/** What a command asks for that is called with nothing. */
const MISSING: Readonly<Record<string, string>> = {
  emit: "which network? such as graph-builder emit unet-cond",
  inspect: "which file? such as graph-builder inspect model.onnx",
  grad: "which file? such as graph-builder grad model.onnx --of loss --wrt x,w1 --out grad.onnx",
};

/** A complaint of yargs' about the words, as we put it. */
function complaint(message: string, [command = ""]: readonly string[]): string {
  if (message.startsWith("graph-builder:")) return message;
  const missing = MISSING[command];
  if (missing !== undefined && message.startsWith("Not enough non-option arguments")) {
    return `graph-builder: ${command}: ${missing}; see graph-builder ${command} --help`;
  }
  const [, unknown] = /^Unknown arguments?: (.+)$/.exec(message) ?? [];
  if (unknown?.split(", ")[0] === command) {
    return `graph-builder: command: found "${command}", expected emit, inspect, grad or list; see --help`;
  }
  return `graph-builder: ${message}; see --help`;
}

/** Runs the command line. @returns the exit code: 0, 1 for a failure, 2 for a mistake on the command line. */
export async function main(argv: readonly string[]): Promise<number> {
  const verbose = argv.includes("--verbose");
  try {
    await yargs([...argv])
      .scriptName("graph-builder")
      .usage(
        "$0 <command>\n\nAuthors diffusion models as ONNX graphs (the network, its loss, its gradient, its optimizer) and differentiates others.",
      )
      .command(
        "emit <network>",
        "write a network's model folder",
        (y) =>
          y
            .positional("network", {
              type: "string",
              demandOption: true,
              describe: `${NETWORKS.map((n) => n.name).join(", ")}, or a .ts or .js file whose default export is a network`,
            })
            .option("out", {
              type: "string",
              requiresArg: true,
              describe: "the folder (default: models/<network>)",
            })
            .option("option", {
              type: "string",
              array: true,
              requiresArg: true,
              default: [] as string[],
              describe: "change an option of the network: --option channels=8,12,16,20",
            })
            .option("target", {
              type: "string",
              requiresArg: true,
              describe: `the device to write all graphs for: ${EMIT_TARGETS.join(", ")} (default: the training loop for CPUs, the others for accelerators)`,
            })
            .option("forms", {
              type: "string",
              requiresArg: true,
              describe: "a table of trainer tune: how each convolution is written for CPUs",
            })
            .option("optimizer", {
              type: "string",
              requiresArg: true,
              default: "adam",
              describe: `${OPTIMIZERS.map((o) => o.name).join(", ")}; with options: adamw:weightDecay=0.1,beta2=0.99`,
            })
            .option("group", {
              type: "string",
              array: true,
              requiresArg: true,
              default: [] as string[],
              describe:
                "other options for some parameters, the first match decides: *.bias:weightDecay=0,learningRateScale=0.1",
            })
            .option("freeze", {
              type: "string",
              array: true,
              requiresArg: true,
              default: [] as string[],
              describe: "parameters that are not trained: down1.*",
            })
            .option("clip", {
              type: "string",
              requiresArg: true,
              describe: "scale gradients down to this global norm where it is larger",
            })
            .option("ema", {
              type: "string",
              requiresArg: true,
              describe: "export a moving average of the weights with this decay, such as 0.999",
            })
            .example("$0 emit unet-cond", "the practical's class-conditional U-Net in models/unet-cond")
            .example("$0 emit ./my-net.ts --out models/my-net", "a network of your own")
            .example(
              "$0 emit conv --option hidden=16 --out models/conv-small",
              "with another number of channels",
            )
            .example(
              "$0 emit unet-cond --optimizer adamw:weightDecay=0.1 --clip 1 --ema 0.999",
              "trained in another way",
            ),
        (args) => emit(args, (line) => process.stdout.write(`${line}\n`)),
      )
      .command(inspectCommand)
      .command(gradCommand)
      .command("list", "the networks and optimizers that emit knows by name", {}, () => {
        for (const { name, description, defaults } of NETWORKS) {
          process.stdout.write(`${name.padEnd(12)} ${description}\n`);
          for (const [option, value] of Object.entries(defaults))
            process.stdout.write(`${" ".repeat(14)}--option ${option}=${value}\n`);
        }
        for (const { name, description, defaults } of OPTIMIZERS) {
          const options = Object.entries(defaults).map(([option, value]) => `${option}=${value}`);
          process.stdout.write(`${name.padEnd(12)} ${description}\n`);
          process.stdout.write(`${" ".repeat(14)}--optimizer ${name}:${options.join(",")}\n`);
        }
      })
      .option("verbose", { type: "boolean", default: false, describe: "show where an error came from" })
      .demandCommand(1, "graph-builder: no command given, expected emit, inspect, grad or list; see --help")
      .strict()
      .exitProcess(false)
      .wrap(100)
      .fail((message, error) => {
        throw error ?? new UserError(complaint(message, argv), { usage: true });
      })
      .parseAsync();
    return 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const known = error instanceof UserError;
    const line = error.message.replace(/\s*\n\s*/g, " ");
    process.stderr.write(
      `${verbose ? error.stack : known ? line : `graph-builder: ${line} (--verbose shows where)`}\n`,
    );
    return known ? error.exitCode : 1;
  }
}
