import { messageOf } from '../domain/errors.ts';

/** The `code` of a file system error such as ENOENT, or undefined. */
export const errnoOf = (error: unknown): string | undefined => {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
};

/** Whether there is no room left: on the disk, or in a quota. */
export const isFull = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(errnoOf(error) ?? '');

/** Whether there can be no hard link: other file system, FAT, some mounts, too many links. */
export const cannotLink = (error: unknown): boolean =>
  ['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(errnoOf(error) ?? '');

/** A clause that says why the system refused a file, as in "the disk is full". */
export const reasonOf = (error: unknown): string => {
  const code = errnoOf(error);
  return code === undefined ? messageOf(error) : (clauses.get(code) ?? `the system says ${code}`);
};

const clauses = new Map([
  ['ENOSPC', 'the disk is full'],
  ['EDQUOT', 'the quota is used up'],
  ['EFBIG', 'the file system allows no file of this size'],
  ['ENOENT', 'there is no such file or folder'],
  ['EEXIST', 'it is there already'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'permission denied'],
  ['EROFS', 'the file system is read-only'],
  ['EISDIR', 'it is a folder'],
  ['ENOTDIR', 'a part of its path is not a folder'],
  ['EXDEV', 'it lies on another file system'],
  ['ELOOP', 'its symlinks lead in a circle'],
  ['ENAMETOOLONG', 'its name is too long'],
  ['EMFILE', 'too many files are open in this process'],
  ['ENFILE', 'too many files are open on this machine'],
  ['EIO', 'the disk answers with an error'],
  ['ESTALE', 'the network share has changed under it'],
]);
