/** ONNX's own operator tests, from the archive that scripts/pack-node-tests.mjs makes. */
import { readFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";
import onnxProto, { type onnx as Proto } from "onnx-proto";

export interface NodeTest {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly model: Proto.ModelProto;
  /** The inputs' and outputs' files, in order: serialized TensorProtos, where the values are tensors. */
  readonly inputs: readonly Uint8Array[];
  readonly outputs: readonly Uint8Array[];
}

const ARCHIVE = new URL("../fixtures/onnx-node-tests/onnx-node-tests.tar.br", import.meta.url);

/** All tests, by name. */
export function nodeTests(): readonly NodeTest[] {
  const files = untar(brotliDecompressSync(readFileSync(ARCHIVE)));
  const models = [...files.keys()].filter((path) => path.endsWith("/model.onnx"));
  return models.map((path) => {
    const name = path.slice(0, -"/model.onnx".length);
    const bytes = files.get(path)!;
    const numbered = (kind: string) => {
      const found: Uint8Array[] = [];
      for (let i = 0; ; i++) {
        const data = files.get(`${name}/test_data_set_0/${kind}_${i}.pb`);
        if (!data) return found;
        found.push(data);
      }
    };
    return {
      name,
      bytes,
      model: onnxProto.onnx.ModelProto.decode(bytes),
      inputs: numbered("input"),
      outputs: numbered("output"),
    };
  });
}

/** The files of a ustar archive: each a 512-byte header with name, octal size and name prefix, then its blocks. */
function untar(tar: Uint8Array): Map<string, Uint8Array> {
  const latin1 = new TextDecoder("latin1");
  const field = (at: number, length: number) =>
    latin1.decode(tar.subarray(at, at + length)).replace(/\0.*$/s, "");
  const files = new Map<string, Uint8Array>();
  for (let at = 0; tar[at]; ) {
    const [name, size, prefix] = [
      field(at, 100),
      Number.parseInt(field(at + 124, 12), 8),
      field(at + 345, 155),
    ];
    files.set(prefix ? `${prefix}/${name}` : name, tar.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}
