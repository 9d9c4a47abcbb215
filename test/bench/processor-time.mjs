/**
 * Time of work that a browser does: by the clock, and of the processor for all of the browser's processes. Where WebGPU runs in
 * software the second is nearly all that there is, and other programs on the machine disturb it little.
 */
import { readdirSync, readFileSync } from "node:fs";

/** Seconds of processor time that this process's children have had. Linux counts in hundredths. */
function childrenSeconds() {
  const parents = new Map();
  const ticks = new Map();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const fields = readFileSync(`/proc/${name}/stat`, "utf8").split(") ")[1].split(" ");
      parents.set(name, fields[1]);
      ticks.set(name, Number(fields[11]) + Number(fields[12]));
    } catch {
      // It has ended meanwhile.
    }
  }
  const isOurs = (pid) => pid !== undefined && (pid === String(process.pid) || isOurs(parents.get(pid)));
  let sum = 0;
  for (const [pid, own] of ticks) if (pid !== String(process.pid) && isOurs(pid)) sum += own;
  return sum / 100;
}

/** Milliseconds of the work. */
export async function measured(work) {
  const [clock, processor] = [performance.now(), childrenSeconds()];
  await work();
  return { clock: performance.now() - clock, processor: 1000 * (childrenSeconds() - processor) };
}
