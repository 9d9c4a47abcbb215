/** Writes sampler-web's build for script tags to a folder. */
export function bundle(folder: string, more?: Readonly<Record<string, string>>): Promise<void>;
