import type { Log } from '../telemetry/log.ts';
import type { Output } from './output.ts';

/** Warnings are for the person at the terminal; what is going on is told by the progress. */
export const createNoteLog = (out: Pick<Output, 'note'>): Log => {
  const log: Log = {
    error: (_fields, message) => out.note(`error: ${message}`),
    warn: (_fields, message) => out.note(message),
    info: () => undefined,
    debug: () => undefined,
    request: () => undefined,
    child: () => log,
  };
  return log;
};
