/** `trainer profile`: where the time of a training step goes, by operator and shape. */

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fillInts, fillNormals, type Manifest } from "@onnx-diffusion/diffusion";
import { readModelFolder } from "../artifacts.js";
import type { Chunk } from "../batches.js";
import type { DeviceChoice } from "../device-names.js";
import { createTrainingSession } from "../devices.js";
import { readBytes, writeFileAtomic } from "../files.js";
import { profileFigure } from "../pictures/index.js";
import { profileRows } from "../profile/events.js";
import { profileLines } from "../profile/table.js";
import { initialState } from "../state.js";
import { createStepper } from "../stepper.js";

export interface ProfileOptions {
  readonly artifacts: string;
  readonly batch: number;
  /** Steps of a run. */
  readonly steps: number;
  readonly device: DeviceChoice;
  readonly threads: number | undefined;
  /** Rows of the second table. */
  readonly rows: number;
  /** Where the pictures go, without an ending; undefined: none. */
  readonly out: string | undefined;
}

/** One to set memory up, and those that count. */
const RUNS = 4;
const SEED = 0;

/** Runs some steps on noise, prints the tables and draws them. @returns the exit code. */
export async function profileCommand(options: ProfileOptions): Promise<number> {
  const { artifacts, batch, steps, device: choice, out } = options;
  const model = readModelFolder(artifacts, "--artifacts");
  const threads = options.threads ?? availableParallelism();
  const folder = mkdtempSync(join(tmpdir(), "profile-"));
  try {
    const session = await createTrainingSession(model, choice, { threads, profile: join(folder, "run") });
    const stepper = createStepper({
      manifest: model.manifest,
      session,
      learningRate: () => 1e-4,
      state: initialState(model.manifest, SEED),
    });
    const chunk = noiseChunk(model.manifest, batch, steps);
    const walls: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      const start = performance.now();
      await stepper.run(chunk);
      walls.push((performance.now() - start) / steps);
    }
    session.session.endProfiling();
    await stepper.dispose();
    const [file] = readdirSync(folder);
    const text = new TextDecoder().decode(readBytes(join(folder, file!)));
    const rows = profileRows(text, { runs: RUNS, steps });
    const wall = walls.slice(1).sort((a, b) => a - b)[(RUNS - 1) >> 1]!;
    const title = `${model.manifest.network.name}, batch ${batch}, ${session.device}, ${threads} ${threads === 1 ? "thread" : "threads"}: ${wall.toFixed(1)} ms a step`;
    console.log(title);
    for (const line of profileLines({ rows, wall }, options.rows)) console.log(line);
    if (out !== undefined) {
      const { svg, png } = await profileFigure(rows, title);
      writeFileAtomic(`${out}.svg`, svg);
      writeFileAtomic(`${out}.png`, png);
      console.log(`drawn: ${out}.png, ${out}.svg`);
    }
    return 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Batches of noise: times do not depend on what the images show. */
function noiseChunk({ image, schedule, classes }: Manifest, batch: number, steps: number): Chunk {
  const size = steps * batch * image.channels * image.height * image.width;
  const [bytes, timestep] = [new Int32Array(size), new Int32Array(steps * batch)];
  const [noise, labels] = [new Float32Array(size), new Int32Array(steps * batch)];
  fillInts(bytes, 0, 255, { seed: SEED, purpose: "permute", index: 0 });
  fillInts(timestep, 1, schedule.T, { seed: SEED, purpose: "timestep", index: 0 });
  fillNormals(noise, { seed: SEED, purpose: "noise", index: 0 });
  if (classes > 0) fillInts(labels, 0, classes - 1, { seed: SEED, purpose: "sampleLabel", index: 0 });
  return { first: 1, steps, batch, images: Uint8Array.from(bytes), timestep, noise, labels };
}
