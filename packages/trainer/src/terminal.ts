/** Standard output with at most one line that changes. */

export interface Terminal {
  /** Whether somebody watches: then there is a changing line. */
  readonly live: boolean;
  readonly columns: number;
  /** Prints a line that stays, above the changing one. */
  print(line: string): void;
  /** Shows the changing line; does nothing where nobody watches. */
  show(line: string): void;
  /** Removes the changing line. */
  clear(): void;
}

/** Erases the line and goes to its start. */
const ERASE = "\r\x1b[2K";

export function openTerminal(out: NodeJS.WriteStream = process.stdout): Terminal {
  // A reader that went away (`| head`, a closed terminal) is no reason to lose a training.
  out.on("error", () => {});
  const live = out.isTTY === true;
  let shown = "";
  return {
    live,
    get columns() {
      return out.columns ?? 80;
    },
    print(line) {
      out.write(shown === "" ? `${line}\n` : `${ERASE}${line}\n${shown}`);
    },
    show(line) {
      if (!live) return;
      out.write(`${ERASE}${line}`);
      shown = line;
    },
    clear() {
      if (shown !== "") out.write(ERASE);
      shown = "";
    },
  };
}
