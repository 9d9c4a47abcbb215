import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { runtimeFolder } from "../src/devices.js";
import { cudaFindings, type Machine, PROVIDER } from "../src/doctor/cuda.js";
import { neededLibraries } from "../src/doctor/elf.js";

test.runIf(process.platform === "linux")("a library's needs are those that the loader has loaded", () => {
  const needed = neededLibraries(process.execPath);
  expect(needed).toContain("libc.so.6");
  const { sharedObjects } = process.report.getReport() as unknown as { sharedObjects: string[] };
  const loaded = sharedObjects.map((path) => basename(path));
  expect(loaded).toEqual(expect.arrayContaining(needed));
  expect(neededLibraries(join(runtimeFolder(), "onnxruntime_binding.node"))).toContain("libonnxruntime.so.1");
});

test("what is no library is said so", () => {
  const folder = mkdtempSync(join(tmpdir(), "doctor-"));
  const path = join(folder, "notes.txt");
  writeFileSync(path, "no library ".repeat(20));
  expect(() => neededLibraries(path)).toThrow(`${path}: no 64-bit ELF library`);
  rmSync(folder, { recursive: true });
});

const machine = (parts: Partial<Machine>): Machine => ({
  platform: "linux",
  environment: {},
  exists: () => false,
  read: () => undefined,
  run: () => undefined,
  needs: () => [],
  ...parts,
});

test("on a bare machine everything is missing, each with what to do", () => {
  expect(
    cudaFindings("/ort", machine({})).map(({ good, subject, remedy }) => [good, subject, remedy]),
  ).toEqual([
    [
      false,
      "NVIDIA driver",
      "install NVIDIA's driver, or give the container the GPU (docker run --gpus all)",
    ],
    [false, "GPU", "see that nvidia-smi runs and lists a card"],
    [false, PROVIDER, 'install the provider: docs/DEPENDENCIES.md, "CUDA", has the steps'],
    [
      false,
      "libonnxruntime_providers_shared.so",
      'install the provider: docs/DEPENDENCIES.md, "CUDA", has the steps',
    ],
  ]);
  expect(cudaFindings("/ort", machine({ platform: "darwin" }))[0]).toMatchObject({
    good: false,
    subject: "system",
  });
});

test("each library that the provider needs is looked for where the loader looks", () => {
  const findings = cudaFindings(
    "/ort",
    machine({
      environment: { LD_LIBRARY_PATH: "/opt/cuda/lib:/opt/cudnn" },
      exists: (path) =>
        ["/ort/libonnxruntime_providers_cuda.so", "/ort/libonnxruntime_providers_shared.so"].includes(path) ||
        path === "/opt/cuda/lib/libcublas.so.13",
      read: () => "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06  Sun Jul 27",
      run: (program, words) =>
        program === "ldconfig"
          ? "\tlibcudart.so.13 (libc6,x86-64) => /usr/lib/libcudart.so.13\n"
          : words.length > 0
            ? "NVIDIA H100, 81559 MiB\n"
            : "| NVIDIA-SMI 580.65.06   CUDA Version: 13.0 |",
      needs: () => ["libcublas.so.13", "libcudart.so.13", "libcudnn.so.9", "libcufft.so.12"],
    }),
  );
  expect(findings.map(({ good, subject, found }) => `${good} ${subject}: ${found}`)).toEqual([
    "true NVIDIA driver: 580.65.06, for CUDA up to 13.0",
    "true GPU: NVIDIA H100, 81559 MiB",
    "true libonnxruntime_providers_cuda.so: in /ort",
    "true libonnxruntime_providers_shared.so: in /ort",
    "true libcublas.so.13: /opt/cuda/lib/libcublas.so.13",
    "true libcudart.so.13: /usr/lib/libcudart.so.13",
    "false libcudnn.so.9: not beside the provider, in LD_LIBRARY_PATH, or known to ldconfig",
    "false libcufft.so.12: not beside the provider, in LD_LIBRARY_PATH, or known to ldconfig",
  ]);
  expect(findings.slice(-2).map(({ remedy }) => remedy?.split(",")[0])).toEqual([
    "install cuDNN 9",
    "install the CUDA toolkit",
  ]);
});
