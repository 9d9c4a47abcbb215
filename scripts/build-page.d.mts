/** Writes the demo page to a folder. */
export function buildPage(folder: string): Promise<void>;
