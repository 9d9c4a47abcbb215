/** `trainer bundle`: the folder trains elsewhere, with nothing of this machine's environment. */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runTrainer } from "@onnx-diffusion/trainer";
import { afterAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "bundle-"));
afterAll(() => rmSync(folder, { recursive: true }));

test.runIf(process.platform !== "win32")(
  "a bundle trains from another folder with an empty environment",
  async () => {
    const made = join(folder, "made");
    const artifacts = join(root, "models/conv");
    expect(await runTrainer(["bundle", "--artifacts", artifacts, "--out", made])).toBe(0);
    const moved = join(folder, "elsewhere");
    renameSync(made, moved);
    const words = ["--artifacts", "models/conv", "--steps", "2", "--batch", "2", "--sample-every", "0"];
    const { status, stderr } = spawnSync(join(moved, "trainer"), words, {
      cwd: moved,
      env: { PATH: "/usr/bin:/bin" },
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(existsSync(join(moved, "runs/conv/model/weights.safetensors"))).toBe(true);
    // A folder in use is left alone.
    cpSync(join(artifacts, "manifest.json"), join(folder, "used/manifest.json"));
    expect(await runTrainer(["bundle", "--artifacts", artifacts, "--out", join(folder, "used")])).toBe(2);
  },
);
