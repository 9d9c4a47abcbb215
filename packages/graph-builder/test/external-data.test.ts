/** Weights that lie in files of their own. */
import { describe, expect, test } from "vitest";
import { importModel, loadExternalData, type ModelAttribute, readOnnx, writeOnnx } from "../src/index.js";
import { FLOAT, file, op, run } from "./foreign-file.js";

describe("external data", () => {
  const bytes = new Uint8Array(Float32Array.of(9, 1, 10, 100).buffer);
  const model = readOnnx(
    file({
      node: [op("Mul", ["x", "w"], ["y"])],
      initializer: [
        {
          name: "w",
          dims: [3],
          dataType: FLOAT,
          dataLocation: 1,
          externalData: [
            { key: "location", value: "weights/w.bin" },
            { key: "offset", value: "4" },
          ],
        },
      ],
    }),
  );

  test("is loaded through the caller's reader, from where the file says", async () => {
    const loaded = await loadExternalData(model, async ({ location, offset, length }) => {
      expect(location).toBe("weights/w.bin");
      return bytes.subarray(offset, offset + length);
    });
    expect(await run(importModel(loaded))).toEqual([1, -20, 300, -0.5, 2.5, 0]);
  });

  test("stays where it is for those that are not asked for, and is written back", async () => {
    const same = await loadExternalData(model, () => Promise.reject(new Error("not asked for")), {
      only: ({ dtype }) => dtype === "int64",
    });
    expect(readOnnx(writeOnnx(same))).toEqual(model);
  });

  test("is loaded in bodies and Constant nodes too", async () => {
    const place = { location: "w", offset: 0, length: 4 };
    const w = { name: "w", dtype: "float32", shape: [], data: place } as const;
    const constant = { name: "c", opType: "Constant", inputs: [], outputs: ["c"] };
    const body: ModelAttribute = {
      type: "graph",
      value: {
        name: "b",
        nodes: [{ ...constant, attributes: { value: { type: "tensor", value: w } } }],
        inputs: [],
        outputs: [],
        initializers: [w],
      },
    };
    const node = { name: "l", opType: "Loop", inputs: [], outputs: [], attributes: { body } };
    const asked: string[] = [];
    const loaded = await loadExternalData(
      { ...model, graph: { ...model.graph, nodes: [node], initializers: [] } },
      async ({ location }) => {
        asked.push(location);
        return bytes.subarray(0, 4);
      },
    );
    expect(asked).toEqual(["w", "w"]);
    expect(JSON.stringify(loaded)).not.toContain("location");
  });

  test("that is cut off is refused", async () => {
    await expect(loadExternalData(model, async () => bytes.subarray(0, 8))).rejects.toMatchObject({
      name: "GraphError",
      message:
        'initializer "w": external data of 8 bytes, expected 12; the file "weights/w.bin" is cut off or another one',
    });
  });
});
