/** What must be the same for a resumed run to be the run that was stopped. */

import { createHash } from "node:crypto";
import { type Manifest, UserError } from "@onnx-diffusion/diffusion";
import type { LrScheduler } from "./learning-rate.js";

/**
 * The number of steps is no part of it: it says how far to go, not where. (A learning rate that falls does so towards the
 * last step: a run that goes on to a later one falls anew from where it is.) Neither are the device and the threads: they
 * change results by rounding at most, and a run may move to another machine.
 */
export interface Configuration {
  /** Name of the network in the manifest. */
  readonly network: string;
  /** SHA-256 of what the manifest says of the model: schedule, state, image. */
  readonly model: string;
  /** SHA-256 of each graph file. */
  readonly graphs: Readonly<Record<string, string>>;
  readonly data: string;
  readonly dataDigest: string;
  readonly batch: number;
  readonly learningRate: number;
  /** Absent where the rate is constant, as it was in every run before it could fall. */
  readonly lrScheduler?: LrScheduler;
  /** Absent where there is no warm-up. */
  readonly lrWarmupSteps?: number;
  readonly seed: number;
  /** SHA-256 of the file of the weights to begin with; absent where they were random. */
  readonly init?: string | undefined;
}

/** What of a configuration the command line decides. */
export interface ConfigurationChoices {
  readonly data: string;
  readonly dataDigest: string;
  readonly batch: number;
  readonly learningRate: number;
  /** Default: constant. */
  readonly lrScheduler?: LrScheduler;
  /** Default: 0. */
  readonly lrWarmupSteps?: number;
  readonly seed: number;
  /** SHA-256 of the file of the weights to begin with; absent where they were random. */
  readonly init?: string | undefined;
}

/** The configuration of a run: everything that its numbers follow from. */
export function configurationOf(manifest: Manifest, choices: ConfigurationChoices): Configuration {
  const { network, image, classes, timestep, prediction, schedule, state } = manifest;
  const described = JSON.stringify({ network, image, classes, timestep, prediction, schedule, state });
  const graphs: Record<string, string> = {};
  for (const graph of Object.values(manifest.graphs)) {
    const digest = manifest.files[graph.file]?.sha256;
    if (digest !== undefined) graphs[graph.file] = digest;
  }
  const { data, dataDigest, batch, learningRate, lrScheduler = "constant", lrWarmupSteps = 0 } = choices;
  const { seed, init } = choices;
  return {
    network: network.name,
    model: sha256(described),
    graphs,
    data,
    dataDigest,
    batch,
    learningRate,
    ...(lrScheduler === "constant" ? {} : { lrScheduler }),
    ...(lrWarmupSteps === 0 ? {} : { lrWarmupSteps }),
    seed,
    ...(init === undefined ? {} : { init }),
  };
}

/** SHA-256 of a configuration, the same for equal ones. */
export function configurationDigest(configuration: Configuration): string {
  return sha256(JSON.stringify(flatten(configuration)));
}

/** Each difference in words: `batch 32 (was 16)`. */
export function differences(now: Configuration, then: Configuration): string[] {
  const before = new Map(flatten(then));
  const after = new Map(flatten(now));
  const names = [...new Set([...after.keys(), ...before.keys()])];
  return names
    .filter((name) => before.get(name) !== after.get(name))
    .map((name) => `${name} ${shorten(after.get(name))} (was ${shorten(before.get(name))})`);
}

/** @throws UserError naming the differences if there are any. */
export function requireSame(now: Configuration, then: Configuration, folder: string): void {
  const found = differences(now, then);
  if (found.length === 0) return;
  throw new UserError(
    `${folder}: the run there was started with another configuration: ${found.join(", ")}; ` +
      "resume with the former values, or start a new run with another --out",
  );
}

/** Names as the user typed them where there is a flag. */
function flatten(configuration: Configuration): [string, string][] {
  const { network, model, graphs, data, dataDigest, batch, learningRate, seed } = configuration;
  const optional: [string, string | number | undefined][] = [
    ["--lr-scheduler", configuration.lrScheduler],
    ["--lr-warmup-steps", configuration.lrWarmupSteps],
    ["--init", configuration.init],
  ];
  return [
    ["network", network],
    ["model description", model],
    ...Object.entries(graphs).sort(([a], [b]) => (a < b ? -1 : 1)),
    ["--data", data],
    ["data digest", dataDigest],
    ["--batch", String(batch)],
    ["--lr", String(learningRate)],
    ["--seed", String(seed)],
    // those that a configuration may lack, so that one without them has the digest that it always had
    ...optional.flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, String(value)]],
    ),
  ];
}

function shorten(value: string | undefined): string {
  if (value === undefined) return "absent";
  return /^[0-9a-f]{64}$/.test(value) ? `${value.slice(0, 8)}…` : value;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
