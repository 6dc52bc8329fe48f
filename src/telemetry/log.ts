import type { LogFields } from './log-fields.ts';
import type { RequestLine } from './request-line.ts';

/** The logger that everything is handed. Implemented over pino in telemetry/create-log.ts; tests hand in their own. */
export interface Log {
  error(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  debug(fields: LogFields, message: string): void;
  /** The line of a request that was answered, on a way that costs little. */
  request(level: 'info' | 'debug', line: RequestLine): void;
  /** A logger whose lines all carry these fields as well. */
  child(fields: LogFields): Log;
}
