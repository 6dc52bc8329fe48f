import { hostname } from 'node:os';
import { ecsFormat } from '@elastic/ecs-pino-format';
import { destination, pino, type Logger, type LoggerOptions } from 'pino';
import { createDevLines } from './dev-lines.ts';
import type { Log, LogFields } from './log.ts';
import { redact } from './redact.ts';

/** Where and how the log is written. */
export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** `ecs`: JSON in Elastic Common Schema, one object a line. `dev`: lines for people. */
  readonly type: 'ecs' | 'dev';
  readonly version: string;
  /** Takes whole lines; standard error where left out. */
  readonly output?: LineOutput;
}

/** Takes lines of log, each with its newline. */
export interface LineOutput {
  write(line: string): void;
  /** Writes out what is still held back, before it returns. */
  flush(): void;
}

/** A log with its end: `flush` writes what is held back and is called before the process ends. */
export interface OwnedLog extends Log {
  flush(): void;
}

/**
 * The log of the program. Errors are handed in as field `err`. Every line is redacted: no password of a URL and no
 * authorization header leaves the process.
 */
export const createLog = (options: LogOptions): OwnedLog => {
  const output = options.output ?? standardError();
  const format = options.type === 'dev' ? createDevLines() : (line: string) => line;
  const logger = pino(options.type === 'dev' ? devOptions(options) : ecsOptions(options), {
    write: (line: string) => output.write(format(redact(line))),
  });
  return { ...adapt(logger), flush: () => output.flush() };
};

const ecsOptions = (options: LogOptions): LoggerOptions => ({
  ...ecsFormat({
    apmIntegration: false,
    serviceName: 'fleet-depot',
    serviceVersion: options.version,
    serviceNodeName: hostname(),
    eventDataset: 'fleet_depot.log',
  }),
  level: options.level,
});

const devOptions = (options: LogOptions): LoggerOptions => ({ level: options.level, base: null });

const adapt = (logger: Logger): Log => ({
  error: (fields, message) => logger.error(fields, message),
  warn: (fields, message) => logger.warn(fields, message),
  info: (fields, message) => logger.info(fields, message),
  debug: (fields, message) => logger.debug(fields, message),
  child: (fields: LogFields) => adapt(logger.child(fields)),
});

/**
 * Lines of one turn of the event loop are written together, before the next one: under load that is a tenth of the writes.
 * The write itself waits, so that lines never overtake each other; the end of the process calls `flush` for the last ones.
 */
const standardError = (): LineOutput => {
  const stream = destination({ fd: 2, sync: true });
  // Nobody reads any more (a closed pipe): there is no other place to say so.
  stream.on('error', () => undefined);
  let held = '';
  const flush = (): void => {
    const lines = held;
    held = '';
    if (lines !== '') {
      stream.write(lines);
    }
  };
  return {
    write: (line) => {
      if (held === '') {
        setImmediate(flush);
      }
      held += line;
      if (held.length > maxHeld) {
        flush();
      }
    },
    flush,
  };
};

const maxHeld = 64 * 1024;
