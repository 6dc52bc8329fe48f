import { DepotError } from '../domain/errors.ts';

/** What people understand of the system's error codes; the clause continues "cannot be read: …". */
const clauses: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOENT: 'it is gone, or a symlink leads nowhere',
  ENOTDIR: 'a part of its path is not a folder',
  EISDIR: 'it is a folder',
  ELOOP: 'its symlinks lead in a circle',
  EMFILE: 'too many files are open in this process',
  ENFILE: 'too many files are open on this machine',
  ENAMETOOLONG: 'its path is too long',
  EIO: 'the disk answers with an error',
  ESTALE: 'the network share has changed under it',
};

/** A clause that says why the system refused a file: "permission denied". */
export const fileProblem = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return clauses[code] ?? (error instanceof Error ? error.message : String(error));
};

/** Wraps an error of the file system: FILE_UNREADABLE "`what` cannot be read: permission denied". A DepotError stays. */
export const unreadable = (what: string, error: unknown): DepotError =>
  error instanceof DepotError
    ? error
    : new DepotError('FILE_UNREADABLE', { reason: `${what} cannot be read: ${fileProblem(error)}` }, error);
