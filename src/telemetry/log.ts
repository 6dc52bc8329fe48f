/** Structured fields of a log line, in ECS names (`event.action`, `package.name`, …). */
export type LogFields = Readonly<Record<string, unknown>>;

/** Fields without nesting, as the line of a request has them. What is undefined isn't written. */
export type FlatFields = Readonly<Record<string, string | number | undefined>>;

/** The logger that everything is handed. Implemented over pino in telemetry/create-log.ts; tests hand in their own. */
export interface Log {
  error(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  debug(fields: LogFields, message: string): void;
  /** A line of the level for a request that was answered: the same line, on a way that costs little. */
  request(level: 'info' | 'debug', fields: FlatFields, message: string): void;
  /** A logger whose lines all carry these fields as well. */
  child(fields: LogFields): Log;
}
