import { DepotError } from '../domain/errors.ts';

/** A fault of the file system as an error with advice; anything else comes back as it is. */
export function fileFault(error: unknown, file: string): unknown {
  if (error instanceof DepotError || !(error instanceof Error) || !('code' in error)) {
    return error;
  }
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT') {
    return new DepotError('DISK_FULL', { file }, error);
  }
  const words: Readonly<Record<string, string>> = {
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    EROFS: 'the file system is read only',
    ENOENT: 'no such file or folder',
    ENOTDIR: 'a part of the path is no folder',
    EISDIR: 'it is a folder',
    EEXIST: 'it is there already and is no folder',
    EIO: 'the disk reports an error',
    EMFILE: 'too many open files',
  };
  const code = String(error.code);
  return new DepotError('FILE_FAILED', { file, reason: words[code] ?? `failed (${code})` }, error);
}
