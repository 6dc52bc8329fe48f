import { DepotError, messageOf } from '../domain/errors.ts';
import type { Log } from '../telemetry/log.ts';

/** Why the packages can't be read now. A fault that stays is said once, and so is its end. */
export interface FaultLog {
  raise(error: unknown): void;
  clear(): void;
  current(): string | undefined;
}

export function createFaultLog(log: Log): FaultLog {
  let fault: string | undefined;
  let said: string | undefined;
  return {
    raise: (error) => {
      const text = messageOf(error);
      fault = text;
      // The same path may be gone with one text and stay gone with another.
      const key = error instanceof DepotError ? `${error.code} ${error.details['path'] ?? text}` : text;
      if (key !== said) {
        said = key;
        log.error({ 'event.action': 'index-failed', err: error }, `the packages could not be read: ${text}`);
      }
    },
    clear: () => {
      if (fault !== undefined) {
        [fault, said] = [undefined, undefined];
        log.info({ 'event.action': 'index-recovered' }, 'the packages can be read again');
      }
    },
    current: () => fault,
  };
}
