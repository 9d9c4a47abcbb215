/**
 * Packs ONNX's operator tests for the repository: one brotli-compressed tar of all test models and data.
 *   node scripts/pack-node-tests.mjs onnx-node-tests.tar.xz
 * The archive that it takes holds, for each test, `<name>/model.onnx` and `<name>/test_data_set_0/{input,output}_<i>.pb`
 * as ONNX's own `onnx/backend/test/data` has them, and ONNX's LICENSE. Needs `tar` and `xz`.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";

const target = fileURLToPath(
  new URL("../packages/graph-builder/test/fixtures/onnx-node-tests/", import.meta.url),
);
const [archive] = process.argv.slice(2);
if (!archive) {
  console.error("usage: node scripts/pack-node-tests.mjs <onnx-node-tests.tar.xz>");
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), "onnx-node-tests-"));
try {
  execFileSync("tar", ["-xJf", archive, "-C", folder]);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== "LICENSE")
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  // Models first, then inputs and outputs: what is alike lies together and compresses far better.
  const kind = (file) => (file.endsWith("model.onnx") ? 0 : 1);
  files.sort((a, b) => kind(a) - kind(b) || (a < b ? -1 : 1));
  const tar = execFileSync(
    "tar",
    ["--format=ustar", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--mode=0644"].concat([
      "-cf",
      "-",
      "-C",
      folder,
      "-T",
      "-",
    ]),
    { input: files.join("\n"), maxBuffer: 2 ** 30 },
  );
  const packed = brotliCompressSync(tar, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_LGWIN]: 24,
      [constants.BROTLI_PARAM_SIZE_HINT]: tar.length,
    },
  });
  writeFileSync(join(target, "onnx-node-tests.tar.br"), packed);
  copyFileSync(join(folder, "LICENSE"), join(target, "LICENSE"));
  console.log(`${files.length} files, ${packed.length} bytes`);
} finally {
  rmSync(folder, { recursive: true });
}
