import { SingleBar } from 'cli-progress';
import { formatBytes } from '../config/bytes.ts';
import { plainTable } from './plain-table.ts';
import type { CommandIo } from './verb.ts';

/** What a verb says: results on stdout, all else on stderr. */
export interface Output {
  /** One line of result. */
  line(text: string): void;
  /** A result for machines. */
  json(value: unknown): void;
  /** Rows below a heading, in columns. */
  table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void;
  /** One line about what is going on. */
  note(text: string): void;
  /** Shows how far something is; see `Progress`. */
  progress(label: string, total: number, unit?: 'bytes' | 'items'): Progress;
}

/** A bar on a terminal; elsewhere one line every ten seconds, so that a CI log stays short. */
export interface Progress {
  advance(by: number): void;
  end(): void;
}

/** Options that verbs share. */
export interface OutputOptions {
  /** No notes and no progress: stderr has errors only. */
  readonly quiet?: boolean;
}

const pauseBetweenLines = 10_000;

/** Writes results and progress of one verb. Colours and bars appear only on a terminal. */
export const createOutput = (io: CommandIo, options: OutputOptions = {}): Output => {
  const note = (text: string): void => {
    if (options.quiet !== true) {
      io.stderr.write(`${text}\n`);
    }
  };
  return {
    line: (text) => io.stdout.write(`${text}\n`),
    json: (value) => io.stdout.write(`${JSON.stringify(value, null, 2)}\n`),
    table: (head, rows) => {
      io.stdout.write(`${plainTable(head, rows)}\n`);
    },
    note,
    progress: (label, total, unit = 'items') => {
      if (options.quiet === true) {
        return { advance: () => undefined, end: () => undefined };
      }
      return io.isTerminal ? bar(io, label, total, unit) : lines(note, label, total, unit);
    },
  };
};

const shown = (value: number, unit: 'bytes' | 'items'): string =>
  unit === 'bytes' ? formatBytes(value) : String(value);

const bar = (io: CommandIo, label: string, total: number, unit: 'bytes' | 'items'): Progress => {
  const drawn = new SingleBar({
    format: `${label} {bar} {percentage}% {value}/{total} {eta_formatted}`,
    formatValue: (value, _options, type) =>
      type === 'value' || type === 'total' ? shown(value, unit) : String(value),
    stream: io.stderr,
    hideCursor: true,
    clearOnComplete: true,
  });
  drawn.start(total, 0);
  return { advance: (by) => drawn.increment(by), end: () => drawn.stop() };
};

const lines = (
  note: (text: string) => void,
  label: string,
  total: number,
  unit: 'bytes' | 'items',
): Progress => {
  let done = 0;
  let last = Date.now();
  return {
    advance: (by) => {
      done += by;
      if (Date.now() - last >= pauseBetweenLines) {
        last = Date.now();
        note(`${label}: ${shown(done, unit)} of ${shown(total, unit)}`);
      }
    },
    end: () => note(`${label}: ${shown(done, unit)} of ${shown(total, unit)}`),
  };
};
