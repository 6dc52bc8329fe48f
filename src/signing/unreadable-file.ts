import { DepotError, messageOf } from '../domain/errors.ts';

/** SIGNED_FILE_UNREADABLE for what the system said; of "ENOENT: no such file or directory, open 'PATH'" only the words stay. */
export const unreadableFile = (path: string, error: unknown): DepotError => {
  const reason = messageOf(error).replace(/^E[A-Z0-9]+: (.*?), \w+(?: '.*')?$/, '$1');
  return new DepotError('SIGNED_FILE_UNREADABLE', { path, reason }, error);
};
