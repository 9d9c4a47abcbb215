/** The pictures as one PNG. */

/** Pixels of the file for each of a picture's: so large that it is not a stamp. */
const SCALE = 8;

/**
 * The grid as it is seen.
 *
 * @param canvases of one size, in rows.
 */
export function pngOf(canvases: readonly HTMLCanvasElement[], columns: number): Promise<Blob> {
  const { width = 1, height = 1 } = canvases[0] ?? {};
  const sheet = document.createElement("canvas");
  sheet.width = width * columns * SCALE;
  sheet.height = height * Math.ceil(canvases.length / columns) * SCALE;
  const context = sheet.getContext("2d")!;
  // As sharp as on the page.
  context.imageSmoothingEnabled = false;
  for (const [i, canvas] of canvases.entries()) {
    const [column, row] = [i % columns, Math.floor(i / columns)];
    const size = [width * SCALE, height * SCALE] as const;
    context.drawImage(canvas, column * size[0], row * size[1], ...size);
  }
  return new Promise((resolve, reject) => {
    sheet.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error("the browser makes no PNG"))),
      "image/png",
    );
  });
}

/** Has the browser save a file. */
export function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The download has begun by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
