import type { Stats } from 'node:fs';
import { access, constants } from 'node:fs/promises';

/** `0640`, as chmod takes it. */
export const shownMode = ({ mode }: Stats): string => (mode & 0o777).toString(8).padStart(4, '0');

/**
 * Whether a secret can be read by others than this process's user and those who handed it over. A file of ours is for its owner
 * alone. One that is another's, or lies on a read-only mount, was handed over: its group may read it where that is one of ours, as
 * Kubernetes hands over secrets (root's, with the group of the Pod, 0440), and as PostgreSQL takes its key. Nobody else may, ever.
 */
export const isExposed = async (path: string, stats: Stats): Promise<boolean> => {
  if (process.platform === 'win32' || (stats.mode & 0o077) === 0) {
    return false;
  }
  const isForGroup = (stats.mode & 0o037) === 0 && ownGroups().includes(stats.gid);
  return !isForGroup || (await isOursToChange(path, stats));
};

const ownGroups = (): readonly number[] => [process.getegid?.() ?? -1, ...(process.getgroups?.() ?? [])];

/**
 * Whether this user could change the file's mode. Secrets of containers are another user's, or lie on a mount that is read-only, and
 * are readable on purpose; a pipe has no mode that says anything.
 */
export const isOursToChange = async (path: string, stats: Stats): Promise<boolean> =>
  stats.isFile() &&
  stats.uid === process.geteuid?.() &&
  (await access(path, constants.W_OK).then(
    () => true,
    ({ code }: NodeJS.ErrnoException) => code !== 'EROFS',
  ));
