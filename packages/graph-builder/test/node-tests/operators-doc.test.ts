import { expect, test } from "vitest";
import { operatorsDoc } from "./operators-doc.js";

test("docs/OPERATORS.md is what the operators and their tests say", async () => {
  await expect(operatorsDoc()).toMatchFileSnapshot("../../../../docs/OPERATORS.md");
});
