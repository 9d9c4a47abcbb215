// Emits every network into models/, or with --check compares the committed folders with a fresh emission.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { modelFiles, NETWORKS } from "@onnx-diffusion/graph-builder";
import { writeFolder } from "../packages/graph-builder/dist/commands/write-folder.js";

const check = process.argv.includes("--check");
const different = [];
for (const network of NETWORKS) {
  const folder = join("models", network.name);
  const files = await modelFiles(network());
  if (!check) {
    await writeFolder(folder, files);
    console.log(`${folder}: ${files.size} files`);
    continue;
  }
  const there = new Set(readdirSync(folder));
  for (const [file, bytes] of files) {
    if (!there.has(file) || !readFileSync(join(folder, file)).equals(bytes))
      different.push(join(folder, file));
  }
}
if (check) {
  for (const file of different)
    console.log(`${file}: differs from what the builder emits; run npx -y pnpm@12 emit-models`);
  console.log(different.length === 0 ? "models/: as emitted" : `models/: ${different.length} files differ`);
  process.exitCode = different.length === 0 ? 0 : 1;
}
