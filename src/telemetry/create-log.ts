import { hostname } from 'node:os';
import { ecsFormat } from '@elastic/ecs-pino-format';
import { pino, type Logger, type LoggerOptions } from 'pino';
import { createDevLines } from './dev-lines.ts';
import type { Log } from './log.ts';
import type { LogFields } from './log-fields.ts';
import { redact } from './redact.ts';
import { createRequestLines, requestFields, requestMessage, type RequestLines } from './request-line.ts';
import { standardError, type LineOutput } from './standard-error.ts';

/** Where and how the log is written. */
export interface LogOptions {
  /** `fatal` logs nothing: there are no lines above `error`. */
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  /** `ecs`: JSON in Elastic Common Schema, one object a line. `dev`: lines for people. */
  readonly type: 'ecs' | 'dev';
  readonly version: string;
  /** Takes whole lines; standard error where left out. */
  readonly output?: LineOutput;
  /** Told of lines that are dropped because nobody reads standard error. */
  readonly linesDropped?: (lines: number) => void;
}

/** A log with its end: `end` writes what is held back and is called before the process ends. */
export interface OwnedLog extends Log {
  end(): void;
}

/**
 * The log of the program. Errors are handed in as field `err`. Every line is redacted: no password of a URL and no
 * authorization header leaves the process.
 */
export const createLog = (options: LogOptions): OwnedLog => {
  const output =
    options.output ??
    standardError({
      dropped: (lines) => options.linesDropped?.(lines),
      resumed: (lines) =>
        logger.warn(
          { 'event.action': 'log-gap', 'fleet_depot.log.dropped': lines },
          `${lines} lines of the log are missing here: standard error was not read, or its disk was full`,
        ),
    });
  const format = options.type === 'dev' ? createDevLines() : (line: string) => line;
  const timestamp = createTimestamps();
  const logger = pino(options.type === 'dev' ? devOptions(options) : ecsOptions(options, timestamp), {
    write: (line: string) => output.write(format(redact(line))),
  });
  const linesOf = (one: Logger): RequestLines =>
    options.type === 'dev' ? () => undefined : createRequestLines(one, timestamp);
  return { ...adapt(logger, output, linesOf), end: () => output.end() };
};

const ecsOptions = (options: LogOptions, timestamp: () => string): LoggerOptions => {
  const format = ecsFormat({
    apmIntegration: false,
    serviceName: 'fleet-depot',
    serviceVersion: options.version,
    serviceNodeName: hostname(),
    eventDataset: 'fleet_depot.log',
  });
  const { log: convert = (fields: object) => ({ ...fields }), ...formatters } = format.formatters ?? {};
  return {
    ...format,
    formatters: {
      ...formatters,
      // Only an error needs converting; other lines are spared the copy.
      log: (fields) => ('err' in fields ? convert(fields) : fields),
    },
    timestamp,
    level: options.level,
  };
};

/** The time of a line as ECS wants it, made once for all lines of a millisecond. */
const createTimestamps = (): (() => string) => {
  let time = 0;
  let text = '';
  return () => {
    const now = Date.now();
    if (now !== time) {
      time = now;
      text = `,"@timestamp":"${new Date(now).toISOString()}"`;
    }
    return text;
  };
};

const devOptions = (options: LogOptions): LoggerOptions => ({ level: options.level, base: null });

const adapt = (logger: Logger, output: LineOutput, linesOf: (logger: Logger) => RequestLines): Log => {
  const lines = linesOf(logger);
  return {
    error: (fields, message) => {
      logger.error(fields, message);
      // The process may not live much longer.
      output.flush();
    },
    warn: (fields, message) => logger.warn(fields, message),
    info: (fields, message) => logger.info(fields, message),
    debug: (fields, message) => logger.debug(fields, message),
    request: (level, line) => {
      if (!logger.isLevelEnabled(level)) {
        return;
      }
      const text = lines(level, line);
      if (text === undefined) {
        logger[level](requestFields(line), requestMessage(line));
      } else {
        output.write(text);
      }
    },
    child: (fields: LogFields) => adapt(logger.child(fields), output, linesOf),
  };
};
