/** Serves folders, by the beginning of their addresses, at a port or one of the next nine. */
export function serve(
  folders: Readonly<Record<string, string>>,
  port: number,
): Promise<{ readonly url: string; close(): void }>;
