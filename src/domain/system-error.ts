/** What people understand of the system's error codes, as a clause: "/srv/a.zip: permission denied". */
const words: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of its path is not a folder',
  EISDIR: 'it is a folder',
  EEXIST: 'it is there already',
  ENOTEMPTY: 'the folder is not empty',
  ELOOP: 'its symlinks lead in a circle',
  ENAMETOOLONG: 'its name is too long',
  EXDEV: 'it lies on another file system',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  EFBIG: 'the file system allows no file of this size',
  EINVAL: 'the file system does not take this name or request',
  ENOSYS: 'the file system cannot do that',
  ENOTSUP: 'the file system cannot do that',
  EOPNOTSUPP: 'the file system cannot do that',
  EMLINK: 'the file has too many links',
  EBUSY: 'it is in use',
  ETXTBSY: 'it is a program that runs',
  EMFILE: 'too many files are open in this process (`ulimit -n`)',
  ENFILE: 'too many files are open on this machine',
  ENOMEM: 'the system has no memory left',
  EIO: 'the disk answers with an error',
  EBADMSG: 'the disk has damaged data',
  EUCLEAN: 'the file system is damaged and needs a check',
  EREMOTEIO: 'the disk answers with an error',
  ENODEV: 'its disk is gone',
  ENXIO: 'its disk is gone',
  ENOMEDIUM: 'there is no medium in the drive',
  ESTALE: 'the network share has changed under it',
  ENOTCONN: 'its file system is gone: the process or server behind it does not answer',
  EHOSTDOWN: 'the server of the network share does not answer',
};

/** Codes that Node has no name for, by their number on Linux (asm-generic/errno.h). */
const unnamed: Readonly<Record<number, string>> = {
  74: 'EBADMSG',
  116: 'ESTALE',
  117: 'EUCLEAN',
  121: 'EREMOTEIO',
  123: 'ENOMEDIUM',
};

/** The `code` of an error of the system, such as ENOENT; undefined for any other. */
export const errnoOf = (error: unknown): string | undefined => {
  if (!(error instanceof Error)) {
    return undefined;
  }
  const { code, errno } = error as NodeJS.ErrnoException;
  if (typeof code === 'string' && /^E[A-Z0-9]+$/.test(code)) {
    return code;
  }
  return errno === undefined ? undefined : unnamed[-errno];
};

/** A clause that says why the system refused, as in "the disk is full"; undefined where the error isn't one of files. */
export const systemWords = (error: unknown): string | undefined => words[errnoOf(error) ?? ''];

/** Whether an error, or what caused it, is that there is no file of this name (any more). */
export const isGone = (error: unknown): boolean => {
  const code = errnoOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
  return code !== undefined && ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(code);
};
