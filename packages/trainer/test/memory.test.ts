/** Memory does not grow with the steps. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { emitSmallModel } from "./small-model.js";

const RUNS = 900;

test("single steps, some hundred of them, leave nothing behind", () => {
  const script = fileURLToPath(new URL("many-runs.mjs", import.meta.url));
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--expose-gc", script, emitSmallModel(), String(RUNS)],
    { encoding: "utf8" },
  );
  expect(stderr).toBe("");
  const { bytes, looks } = JSON.parse(stdout) as { bytes: number; looks: [number, number] };
  const [early, late] = looks;
  // Each run makes the whole state anew, which is by far the most that it makes. A tenth of it kept at each of the
  // 600 runs between the looks would be 60 states; allocators alone move by up to 25 MiB, 32 states, and stay there.
  expect((late - early) / bytes).toBeLessThan(((RUNS * 2) / 3) * 0.1);
});
