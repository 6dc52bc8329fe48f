import type { Log } from '../telemetry/log.ts';

/** Why the packages can't be read now. A fault that stays is said once, and so is its end. */
export interface FaultLog {
  raise(error: unknown): void;
  clear(): void;
  current(): string | undefined;
}

export function createFaultLog(log: Log): FaultLog {
  let fault: string | undefined;
  return {
    raise: (error) => {
      const text = error instanceof Error ? error.message : String(error);
      if (text !== fault) {
        fault = text;
        log.error({ 'event.action': 'index-failed', err: error }, `the packages could not be read: ${text}`);
      }
    },
    clear: () => {
      if (fault !== undefined) {
        fault = undefined;
        log.info({ 'event.action': 'index-recovered' }, 'the packages can be read again');
      }
    },
    current: () => fault,
  };
}
