const levels: Readonly<Record<number, string>> = { 20: 'DEBUG', 30: 'INFO ', 40: 'WARN ', 50: 'ERROR' };

interface PinoLine {
  readonly [field: string]: unknown;
  readonly level: number;
  readonly time: number;
  readonly msg?: string;
  readonly err?: { readonly type?: string; readonly message?: string; readonly stack?: string };
}

/** Turns pino's JSON lines into `12:00:01.234 WARN  message  key=value`; a stack follows on its own lines. */
export const createDevLines = (): ((line: string) => string) => (line) => {
  const { level, time, msg = '', err, ...fields } = JSON.parse(line) as PinoLine;
  const clock = new Date(time).toISOString().slice(11, 23);
  const rest = Object.entries(fields).map(([key, value]) => `  ${key}=${show(value)}`);
  const stack =
    err === undefined ? '' : `${err.stack ?? err.message ?? ''}\n`.replace(/^/gm, '    ').trimEnd() + '\n';
  return `${clock} ${levels[level] ?? level} ${msg}${rest.join('')}\n${stack}`;
};

/** Text without spaces stays bare; the rest is JSON, so that a line stays a line. */
const show = (value: unknown): string =>
  typeof value === 'string' && /^[\x21-\x7e]+$/.test(value) ? value : JSON.stringify(value);
