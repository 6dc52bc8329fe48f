import type { Log } from './log.ts';

const nothing = (): void => undefined;

/** Keeps nothing: for verbs that say what they found themselves. */
export const silentLog: Log = {
  error: nothing,
  warn: nothing,
  info: nothing,
  debug: nothing,
  request: nothing,
  child: () => silentLog,
};
