/** The figures that `trainer figures` can draw. */
export const FIGURES = ["forward", "schedule"] as const;

export type FigureName = (typeof FIGURES)[number];

export interface FiguresOptions {
  readonly figure: FigureName;
  /** Undefined: that of the model, or mnist. */
  readonly data: string | undefined;
  readonly dataDir: string | undefined;
  /** An exported folder. */
  readonly model: string | undefined;
  readonly seed: number;
  /** The folder to write to. */
  readonly out: string;
}
