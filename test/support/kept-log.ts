import { requestFields, requestMessage } from '../../src/telemetry/request-line.ts';
import type { Log } from '../../src/telemetry/log.ts';
import type { LogFields } from '../../src/telemetry/log-fields.ts';

/** A log that keeps its lines. */
export interface KeptLog extends Log {
  readonly lines: { readonly level: string; readonly fields: LogFields; readonly message: string }[];
}

/** A log for tests that writes nowhere. */
export const createKeptLog = (): KeptLog => {
  const lines: KeptLog['lines'] = [];
  const keep =
    (level: string) =>
    (fields: LogFields, message: string): void => {
      lines.push({ level, fields, message });
    };
  const log: KeptLog = {
    lines,
    error: keep('error'),
    warn: keep('warn'),
    info: keep('info'),
    debug: keep('debug'),
    request: (level, line) => keep(level)(requestFields(line), requestMessage(line)),
    child: () => log,
  };
  return log;
};
