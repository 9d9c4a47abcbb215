import fc from "fast-check";
import { expect, test } from "vitest";
import { philoxFill } from "../src/philox.js";

/** kat_vectors of Random123 1.14, the lines `philox4x32 10`: counter, key, answer. */
const KNOWN_ANSWERS = [
  ["00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
  ["ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"],
  ["243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"],
] as const;

const words = (hex: string): number[] => hex.split(" ").map((word) => Number.parseInt(word, 16));

/** The definition with integers of any size. */
function philoxByBigInt(counter: readonly number[], key: readonly number[]): number[] {
  let [x0, x1, x2, x3] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
  let [k0, k1] = key.map(BigInt) as [bigint, bigint];
  for (let round = 0; round < 10; round++) {
    const p0 = 0xd2511f53n * x0;
    const p1 = 0xcd9e8d57n * x2;
    [x0, x1, x2, x3] = [(p1 >> 32n) ^ x1 ^ k0, p1 & 0xffffffffn, (p0 >> 32n) ^ x3 ^ k1, p0 & 0xffffffffn];
    k0 = (k0 + 0x9e3779b9n) & 0xffffffffn;
    k1 = (k1 + 0xbb67ae85n) & 0xffffffffn;
  }
  return [x0, x1, x2, x3].map(Number);
}

test.each(KNOWN_ANSWERS)("Random123's known answer for counter %s", (counter, key, answer) => {
  const out = new Uint32Array(4);
  const [c0, c1, c2, c3] = words(counter) as [number, number, number, number];
  const [k0, k1] = words(key) as [number, number];
  philoxFill(out, 1, k0, k1, c0, c1, c2, c3);
  expect([...out]).toEqual(words(answer));
});

const word = fc.integer({ min: 0, max: 0xffffffff });

test("any counter and key: the definition in BigInt", () => {
  fc.assert(
    fc.property(fc.tuple(word, word, word, word), fc.tuple(word, word), (counter, key) => {
      const out = new Uint32Array(4);
      philoxFill(out, 1, ...key, ...counter);
      expect([...out]).toEqual(philoxByBigInt(counter, key));
    }),
    { numRuns: 500 },
  );
});

test("blocks count word 0 of the counter upwards, past 2^32 to 0", () => {
  const out = new Int32Array(16);
  philoxFill(out, 3, 5, 6, 0xfffffffe, 1, 2, 3);
  const expected = [0xfffffffe, 0xffffffff, 0].flatMap((c0) => philoxByBigInt([c0, 1, 2, 3], [5, 6]));
  expect([...new Uint32Array(out.buffer)]).toEqual([...expected, 0, 0, 0, 0]);
});
