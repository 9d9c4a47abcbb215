import { parseArgs } from "node:util";

/**
 * The one number that a script takes, after `--flag`.
 *
 * @param script what the complaint begins with.
 * @param range its bounds, in numbers and in words: `a whole number in 0..65535`.
 * @returns undefined after a complaint.
 */
export function readNumber(script, flag, usual, { least, most, expected }) {
  try {
    // pnpm hands a `--` of the caller on
    const args = process.argv.slice(2).filter((word) => word !== "--");
    const { values } = parseArgs({ args, options: { [flag]: { type: "string" } } });
    const number = Number(values[flag] ?? usual);
    if (Number.isInteger(number) && number >= least && number <= most) return number;
    console.error(`${script}: --${flag}: found "${values[flag]}", expected ${expected}`);
  } catch (error) {
    const [problem] = error.message.split(/\n|\. /);
    console.error(`${script}: ${problem.replace(/\.$/, "")}; the ${script} takes --${flag} N`);
  }
  return undefined;
}
