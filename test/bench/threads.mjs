/** What each thread of this process has had of the processors, as Linux accounts it to the nanosecond. */
import { readdirSync, readFileSync } from "node:fs";

const FOLDER = "/proc/self/task";

/** The ids of the threads that are there now. */
export const threadIds = () => new Set(readdirSync(FOLDER));

/** Those that have come since. */
export const newThreads = (before) => [...threadIds()].filter((id) => !before.has(id));

/** Seconds on a processor, and ready to run without one, of each thread that is there now. */
export function threadTimes() {
  const times = new Map();
  for (const id of threadIds()) {
    try {
      const [ran, waited] = readFileSync(`${FOLDER}/${id}/schedstat`, "utf8").split(" ");
      times.set(id, { ran: Number(ran) / 1e9, waited: Number(waited) / 1e9 });
    } catch {
      // it has ended meanwhile
    }
  }
  return times;
}
