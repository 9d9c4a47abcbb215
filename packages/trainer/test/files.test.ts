import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileError, UserError } from "@onnx-diffusion/diffusion";
import { expect, it } from "vitest";
import { removeTemporaryFiles, writeFileAtomic } from "../src/files.js";

function folder(): string {
  return mkdtempSync(join(tmpdir(), "files-"));
}

it("replaces a file and leaves no temporary one", () => {
  const at = folder();
  const path = join(at, "a.bin");
  writeFileAtomic(path, "old");
  writeFileAtomic(path, Uint8Array.of(1, 2, 3));
  expect([...readFileSync(path)]).toEqual([1, 2, 3]);
  expect(readdirSync(at)).toEqual(["a.bin"]);
});

it("names the path and the reason", () => {
  const at = folder();
  writeFileSync(join(at, "file"), "");
  expect(() => writeFileAtomic(join(at, "none", "a"), "x")).toThrow(
    /cannot write .*none\/a: no such file or folder/,
  );
  expect(() => writeFileAtomic(join(at, "file", "a"), "x")).toThrow(
    "a part of the path is a file, not a folder",
  );
});

it("says that the disk is full", () => {
  // /dev/full answers every write with ENOSPC
  if (!existsSync("/dev/full")) return;
  const file = openSync("/dev/full", "w");
  try {
    writeSync(file, "x");
    expect.unreachable();
  } catch (error) {
    const said = fileError("cannot write a", error);
    expect(said).toBeInstanceOf(UserError);
    expect(said.message).toBe("cannot write a: the disk is full; free some space");
  } finally {
    closeSync(file);
  }
});

it("removes what a killed process left half-written, and nothing else", () => {
  const at = folder();
  for (const name of [".a.safetensors.123.tmp", "b.tmp", ".c"]) writeFileSync(join(at, name), "");
  removeTemporaryFiles(at);
  expect(readdirSync(at).sort()).toEqual([".c", "b.tmp"]);
});
