/** Takes many single steps, and prints resident memory after a third of them and at the end. Started by memory.test.ts. */
import { readModelFolder } from "../dist/artifacts.js";
import { createTrainingSession } from "../dist/devices.js";
import { initialState } from "../dist/state.js";
import { createStepper } from "../dist/stepper.js";

const [, , folder, count] = process.argv;
const runs = Number(count);
const model = readModelFolder(folder, "--artifacts");
const session = await createTrainingSession(model, "cpu", { threads: 1 });
const state = initialState(model.manifest, 0);
const stepper = createStepper({ manifest: model.manifest, session, learningRate: () => 1e-4, state });
const chunk = {
  ...{ first: 1, steps: 1, batch: 1, images: new Uint8Array(3072), noise: new Float32Array(3072) },
  ...{ timestep: Int32Array.of(200), labels: Int32Array.of(3) },
};
const resident = async () => {
  // what nobody holds is given back in the turn after
  for (let i = 0; i < 3; i++) {
    globalThis.gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage.rss();
};
const looks = [];
for (let run = 1; run <= runs; run++) {
  await stepper.run(chunk);
  if (run === Math.round(runs / 3) || run === runs) looks.push(await resident());
}
await stepper.dispose();
const bytes = [...state.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
console.log(JSON.stringify({ bytes, looks }));
