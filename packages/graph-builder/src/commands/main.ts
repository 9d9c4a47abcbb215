/** The `graph-builder` command. */
import { UserError } from "@onnx-diffusion/diffusion";
import yargs from "yargs";
import { NETWORKS } from "../networks/index.js";
import { emit } from "./emit.js";

/** Runs the command line. @returns the exit code: 0, 1 for a failure, 2 for a mistake on the command line. */
export async function main(argv: readonly string[]): Promise<number> {
  const verbose = argv.includes("--verbose");
  try {
    await yargs([...argv])
      .scriptName("graph-builder")
      .usage(
        "$0 <command>\n\nAuthors diffusion models as ONNX graphs: the network, its loss, its gradient, its optimizer.",
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
            .example("$0 emit unet-cond", "the practical's class-conditional U-Net in models/unet-cond")
            .example("$0 emit ./my-net.ts --out models/my-net", "a network of your own")
            .example(
              "$0 emit conv --option hidden=16 --out models/conv-small",
              "with another number of channels",
            ),
        (args) => emit(args, (line) => process.stdout.write(`${line}\n`)),
      )
      .command("list", "the networks that emit knows by name", {}, () => {
        for (const { name, description, defaults } of NETWORKS) {
          process.stdout.write(`${name.padEnd(12)} ${description}\n`);
          for (const [option, value] of Object.entries(defaults))
            process.stdout.write(`${" ".repeat(14)}--option ${option}=${value}\n`);
        }
      })
      .option("verbose", { type: "boolean", default: false, describe: "show where an error came from" })
      .demandCommand(1, "graph-builder: no command given, expected emit or list; see --help")
      .strict()
      .exitProcess(false)
      .wrap(100)
      .fail((message, error) => {
        throw (
          error ??
          new UserError(
            message.startsWith("graph-builder:") ? message : `graph-builder: ${message}; see --help`,
            { usage: true },
          )
        );
      })
      .parseAsync();
    return 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const known = error instanceof UserError;
    process.stderr.write(
      `${verbose ? error.stack : known ? error.message : `graph-builder: ${error.message} (--verbose shows where)`}\n`,
    );
    return known ? error.exitCode : 1;
  }
}
