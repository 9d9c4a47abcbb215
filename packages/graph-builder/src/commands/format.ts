/** Numbers as the commands print them. */

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

/** 5199436 -> "5.20 MB", in powers of 1000, with three digits. */
export const formatBytes = (bytes: number): string => withUnit(bytes, UNITS);

/** 944832512 -> "945 MFLOP". */
export const formatFlops = (flops: number): string =>
  withUnit(flops, ["FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP"]);

/** 1 -> "1 node", 1234 -> "1,234 nodes". */
export const formatCount = (count: number, what: string): string =>
  `${formatNumber(count)} ${what}${count === 1 ? "" : "s"}`;

export const formatNumber = (value: number): string => value.toLocaleString("en-US");

function withUnit(value: number, units: readonly string[]): string {
  let unit = 0;
  let scaled = value;
  // 999.5 would be shown as 1000.
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit++;
  }
  return `${unit === 0 ? scaled : scaled.toPrecision(3)} ${units[unit]}`;
}
