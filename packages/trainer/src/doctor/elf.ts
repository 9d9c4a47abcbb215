/** Which shared libraries a Linux library needs: the DT_NEEDED entries of its ELF file (64 bits, little-endian). */

import { closeSync, openSync, readSync } from "node:fs";
import { UserError } from "@onnx-diffusion/diffusion";

const SEGMENT = { load: 1, dynamic: 2 };
const TAG = { needed: 1n, strings: 5n, stringsSize: 10n };

/** @throws UserError where the file is no such library. */
export function neededLibraries(path: string): string[] {
  const file = openSync(path, "r");
  const read = (at: number, length: number): DataView => {
    const bytes = new Uint8Array(length);
    const count = readSync(file, bytes, 0, length, at);
    return new DataView(bytes.buffer, 0, count);
  };
  try {
    const header = read(0, 64);
    if (header.byteLength < 64 || header.getUint32(0) !== 0x7f454c46 || header.getUint16(4) !== 0x0201)
      throw new UserError(`${path}: no 64-bit ELF library; copy it again from where it came`);
    const segments = segmentsOf(header, read);
    const dynamic = segments.find(({ type }) => type === SEGMENT.dynamic);
    if (dynamic === undefined) return [];
    const entries = dynamicEntries(read(dynamic.offset, dynamic.size));
    const value = (tag: bigint) => Number(entries.find((entry) => entry.tag === tag)?.value ?? 0n);
    const strings = read(offsetOf(value(TAG.strings), segments), value(TAG.stringsSize));
    return entries
      .filter(({ tag }) => tag === TAG.needed)
      .map((entry) => textAt(strings, Number(entry.value)));
  } finally {
    closeSync(file);
  }
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

function segmentsOf(header: DataView, read: (at: number, length: number) => DataView): Segment[] {
  const [start, size, count] = [
    Number(header.getBigUint64(32, true)),
    header.getUint16(54, true),
    header.getUint16(56, true),
  ];
  const table = read(start, size * count);
  return Array.from({ length: count }, (_, i) => ({
    type: table.getUint32(i * size, true),
    offset: Number(table.getBigUint64(i * size + 8, true)),
    address: Number(table.getBigUint64(i * size + 16, true)),
    size: Number(table.getBigUint64(i * size + 32, true)),
  }));
}

function dynamicEntries(view: DataView): { tag: bigint; value: bigint }[] {
  return Array.from({ length: Math.floor(view.byteLength / 16) }, (_, i) => ({
    tag: view.getBigInt64(i * 16, true),
    value: view.getBigUint64(i * 16 + 8, true),
  }));
}

/** Where in the file an address of the loaded library lies. */
function offsetOf(address: number, segments: readonly Segment[]): number {
  const inside = segments.find(
    (s) => s.type === SEGMENT.load && address >= s.address && address < s.address + s.size,
  );
  return inside === undefined ? address : address - inside.address + inside.offset;
}

function textAt(view: DataView, start: number): string {
  let end = start;
  while (end < view.byteLength && view.getUint8(end) !== 0) end++;
  return new TextDecoder().decode(new Uint8Array(view.buffer, start, end - start));
}
