/** What `--device cuda` needs and whether it is here: driver, provider, and the libraries that the provider names. */

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { neededLibraries } from "./elf.js";

/** One thing that was looked at. */
export interface Finding {
  readonly good: boolean;
  readonly subject: string;
  readonly found: string;
  /** What to do about it. */
  readonly remedy?: string;
}

/** How the machine is looked at; a test gives another. */
export interface Machine {
  readonly platform: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  exists(path: string): boolean;
  /** The file's text, or undefined. */
  read(path: string): string | undefined;
  /** What a program prints, or undefined where there is no such program or it fails. */
  run(program: string, words: readonly string[]): string | undefined;
  needs(library: string): readonly string[];
}

const thisMachine: Machine = {
  platform: process.platform,
  environment: process.env,
  exists: existsSync,
  read: (path) => (existsSync(path) ? readFileSync(path, "utf8") : undefined),
  run(program, words) {
    const { status, stdout } = spawnSync(program, words, { encoding: "utf8" });
    return status === 0 ? stdout : undefined;
  },
  needs: neededLibraries,
};

export const PROVIDER = "libonnxruntime_providers_cuda.so";
const SHARED = "libonnxruntime_providers_shared.so";
const STEPS = 'docs/DEPENDENCIES.md, "CUDA", has the steps';

/** The findings, in the order in which they are to be put right. @param folder of onnxruntime-node's binary. */
export function cudaFindings(folder: string, machine: Machine = thisMachine): Finding[] {
  if (machine.platform !== "linux") {
    const found = `this is ${machine.platform}; onnxruntime-node has a CUDA provider for Linux on x64 alone`;
    return [{ good: false, subject: "system", found, remedy: "use --device cpu" }];
  }
  const files = [PROVIDER, SHARED].map((name): Finding => {
    const good = machine.exists(join(folder, name));
    return good
      ? { good, subject: name, found: `in ${folder}` }
      : { good, subject: name, found: `not in ${folder}`, remedy: `install the provider: ${STEPS}` };
  });
  return [...driverFindings(machine), ...files, ...(files[0]!.good ? libraries(folder, machine) : [])];
}

function driverFindings(machine: Machine): Finding[] {
  const version = /Kernel Module\s+(?:for \S+\s+)?([\d.]+)/.exec(
    machine.read("/proc/driver/nvidia/version") ?? "",
  )?.[1];
  const cards = machine.run("nvidia-smi", ["--query-gpu=name,memory.total", "--format=csv,noheader"]);
  const newest = /CUDA Version:\s*([\d.]+)/.exec(machine.run("nvidia-smi", []) ?? "")?.[1];
  const driver: Finding =
    version === undefined
      ? {
          ...{ good: false, subject: "NVIDIA driver", found: "no kernel module is loaded" },
          remedy: "install NVIDIA's driver, or give the container the GPU (docker run --gpus all)",
        }
      : {
          ...{ good: true, subject: "NVIDIA driver", found: version },
          ...(newest === undefined ? {} : { found: `${version}, for CUDA up to ${newest}` }),
        };
  const names = cards?.trim().split("\n").filter(Boolean) ?? [];
  const card: Finding =
    names.length > 0
      ? { good: true, subject: "GPU", found: names.join("; ") }
      : {
          ...{ good: false, subject: "GPU", found: "nvidia-smi names none" },
          remedy: "see that nvidia-smi runs and lists a card",
        };
  return [driver, card];
}

/** Every library that the provider names, and where the loader would find it. */
function libraries(folder: string, machine: Machine): Finding[] {
  const cache = machine.run("ldconfig", ["-p"]) ?? machine.run("/sbin/ldconfig", ["-p"]) ?? "";
  const folders = [folder, ...(machine.environment.LD_LIBRARY_PATH ?? "").split(":").filter(Boolean)];
  return machine.needs(join(folder, PROVIDER)).map((name): Finding => {
    const at = folders.map((f) => join(f, name)).find((path) => machine.exists(path)) ?? cached(cache, name);
    if (at !== undefined) return { good: true, subject: name, found: at };
    return {
      ...{
        good: false,
        subject: name,
        found: "not beside the provider, in LD_LIBRARY_PATH, or known to ldconfig",
      },
      remedy: `install ${packageOf(name)}, and put its folder into LD_LIBRARY_PATH; ${STEPS}`,
    };
  });
}

const cached = (cache: string, name: string): string | undefined =>
  cache
    .split("\n")
    .map((line) => line.trim())
    .find((line) => line.startsWith(`${name} `))
    ?.split(" => ")[1];

/** What to install for a library: its number is that of CUDA, or of cuDNN. */
function packageOf(library: string): string {
  const major = /\.so\.(\d+)/.exec(library)?.[1] ?? "";
  if (library.startsWith("libcudnn")) return `cuDNN ${major}`.trim();
  if (/^lib(cudart|cublas|cublasLt|cufft|curand|nvrtc|nvJitLink)\b/.test(library)) {
    // cuFFT and cuRAND count for themselves.
    return /^lib(cufft|curand)\b/.test(library) ? "the CUDA toolkit" : `CUDA ${major}`.trim();
  }
  return `the package with ${library}`;
}
