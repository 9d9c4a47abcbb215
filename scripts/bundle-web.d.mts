/** Writes sampler-web's build for script tags to a folder. */
export function bundle(folder: string): Promise<void>;
