/** One trainer in a run folder at a time: a lock file that outlives neither its process nor a restart. */

import { constants, copyFileSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileError, systemCode, UserError } from "@onnx-diffusion/diffusion";

/** Who holds a lock. A process number alone could be given to another process later, so its start is kept too. */
interface Owner {
  readonly pid: number;
  /** When the process started, in the system's own ticks; "" where the system does not tell. */
  readonly started: string;
  readonly host: string;
}

export interface Lock {
  readonly path: string;
  /** Removes the lock file. May be called twice. */
  release(): void;
}

/**
 * Takes the lock of a run folder, also from a process that is dead.
 *
 * @throws UserError if a living trainer holds it, or the folder cannot be written.
 */
export function takeLock(folder: string): Lock {
  const path = join(folder, "trainer.lock");
  const mine = `${path}.${process.pid}`;
  try {
    const owner: Owner = { pid: process.pid, started: startOf(process.pid), host: hostname() };
    writeFileSync(mine, JSON.stringify(owner));
    // A link appears at once with its content and fails if the name exists: no two processes can both make it.
    while (!tryLink(mine, path)) removeIfStale(path, folder);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw fileError(`cannot write in the run folder ${folder}`, error);
  } finally {
    rmSync(mine, { force: true });
  }
  let held = true;
  return {
    path,
    release() {
      if (held) rmSync(path, { force: true });
      held = false;
    },
  };
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    if (!NO_LINKS.has(systemCode(error) ?? "")) throw error;
  }
  try {
    copyFileSync(from, to, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw error;
  }
}

/** What file systems without hard links answer. */
const NO_LINKS = new Set(["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"]);

/** Removes a lock whose process is gone. @throws UserError if the process lives. */
function removeIfStale(path: string, folder: string): void {
  const text = readIfThere(path);
  if (text === undefined) return;
  const owner = parseOwner(text);
  if (owner !== undefined && isAlive(owner)) {
    const where = owner.host === hostname() ? "" : ` on ${owner.host}`;
    throw new UserError(
      `${folder}: another trainer (process ${owner.pid}${where}) writes in this run folder; ` +
        `wait for it, choose another --out, or delete ${path} if that process is gone`,
    );
  }
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return;
    throw error;
  }
  // Another process may have taken the lock over since it was read: then it is put back.
  if (readIfThere(aside) !== text) tryLink(aside, path);
  rmSync(aside, { force: true });
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Undefined for a damaged lock file, which nobody can hold. */
function parseOwner(text: string): Owner | undefined {
  try {
    const { pid, started, host } = JSON.parse(text) as Partial<Owner>;
    if (typeof pid !== "number" || typeof started !== "string" || typeof host !== "string") return undefined;
    return { pid, started, host };
  } catch {
    return undefined;
  }
}

/** A process of another machine (a shared file system) cannot be looked at and counts as alive. */
function isAlive(owner: Owner): boolean {
  if (owner.host !== hostname()) return true;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if (systemCode(error) === "ESRCH") return false;
  }
  return owner.started === "" || owner.started === startOf(owner.pid);
}

/**
 * Field 22 of /proc/PID/stat: the start in clock ticks since boot; "dead" for a process that only waits for its parent
 * to notice its end (field 3 is Z). The name in field 2 may hold spaces.
 */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? "dead" : (fields[19] ?? "");
  } catch {
    return "";
  }
}
