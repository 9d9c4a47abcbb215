/** What a failed file operation means, in one line. */
import { UserError } from "./errors.js";

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full; free some space",
  EDQUOT: "the disk quota is used up; free some space",
  EFBIG: "the file is larger than this system or its limits allow; raise the limit (ulimit -f)",
  EACCES: "no permission; choose another folder or change its permissions",
  EPERM: "not permitted; choose another folder or change its permissions",
  EROFS: "the file system is read-only; choose another folder",
  ENOTDIR: "a part of the path is a file, not a folder; choose another path",
  EISDIR: "it is a folder, a file was expected; choose another path",
  EEXIST: "a file of that name is in the way; choose another path",
  ENOENT: "no such file or folder; check the path",
  EMFILE: "too many open files; raise the limit (ulimit -n)",
  EIO: "the disk reports an error",
};

/** The error code of a failed system call, if it is one. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** One line for a failed file operation. */
export function fileError(what: string, error: unknown): UserError {
  const code = systemCode(error);
  const reason = (code === undefined ? undefined : REASONS[code]) ?? (error as Error).message;
  return new UserError(`${what}: ${reason}`, { cause: error });
}
