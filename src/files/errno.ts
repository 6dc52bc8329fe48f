import { messageOf } from '../domain/errors.ts';
import { errnoOf, systemWords } from '../domain/system-error.ts';

/** Whether there is no room left: on the disk, or in a quota. */
export const isFull = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(errnoOf(error) ?? '');

const unsupported: readonly string[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

/**
 * Whether a file system says that it can't do something at all: links and modes on FAT, exFAT and some network shares. EPERM is what
 * Linux' own drivers say then (link(2), symlink(2)), so it counts only for what this user may do elsewhere.
 */
export const isUnsupported = (error: unknown): boolean => unsupported.includes(errnoOf(error) ?? '');

/** Whether there can be no hard link: other file system, FAT, some mounts, too many links. */
export const cannotLink = (error: unknown): boolean =>
  isUnsupported(error) || ['EXDEV', 'EMLINK'].includes(errnoOf(error) ?? '');

/** A clause that says why the system refused a file, as in "the disk is full". */
export const reasonOf = (error: unknown): string => {
  const code = errnoOf(error);
  return systemWords(error) ?? (code === undefined ? messageOf(error) : `the system says ${code}`);
};
