/** Where what has been fetched or prepared is kept, for all projects of a user. */

import { homedir } from "node:os";
import { join } from "node:path";

/**
 * A path in the cache: below `ONNX_DIFFUSION_CACHE` where that is set, else where the system has its caches.
 *
 * @param env the process's environment.
 */
export function cachePath(parts: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  return join(env.ONNX_DIFFUSION_CACHE || join(systemCache(env), "onnx-diffusion"), ...parts);
}

function systemCache(env: NodeJS.ProcessEnv): string {
  if (process.platform === "win32") return env.LOCALAPPDATA || join(homedir(), "AppData", "Local");
  if (process.platform === "darwin") return join(homedir(), "Library", "Caches");
  return env.XDG_CACHE_HOME || join(homedir(), ".cache");
}
