import { DepotError, messageOf } from '../domain/errors.ts';

/** SIGNED_FILE_UNREADABLE for what the system said. */
export const unreadableFile = (path: string, error: unknown): DepotError =>
  new DepotError('SIGNED_FILE_UNREADABLE', { path, reason: messageOf(error) }, error);
