/**
 * A mistake that the user can mend: a wrong argument, a damaged file, a missing folder.
 *
 * The message is one line: subject, what was found, what was expected, what to do. A command prints that line
 * without a stack and leaves with {@link UserError.exitCode}; any other error is a defect of the program.
 */
export class UserError extends Error {
  override readonly name: string = "UserError";
  /** True for a mistake on the command line itself. */
  readonly usage: boolean;

  constructor(message: string, options: { readonly cause?: unknown; readonly usage?: boolean } = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.usage = options.usage ?? false;
  }

  /** What a command returns to the shell: 2 for usage, 1 for failure. */
  get exitCode(): 1 | 2 {
    return this.usage ? 2 : 1;
  }
}
