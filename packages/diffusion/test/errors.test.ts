import { expect, test } from "vitest";
import { UserError } from "../src/errors.js";

test("a failure leaves with 1, a mistake on the command line with 2", () => {
  const cause = new Error("below");
  const failure = new UserError("runs/a: found no checkpoint", { cause });
  expect(failure).toBeInstanceOf(Error);
  expect(failure).toMatchObject({ name: "UserError", usage: false, exitCode: 1, cause });
  expect(new UserError("--steps: found -1", { usage: true })).toMatchObject({ usage: true, exitCode: 2 });
  expect("cause" in new UserError("alone")).toBe(false);
});
