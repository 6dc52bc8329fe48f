import progress from 'cli-progress';
import type { CommandIo } from './verb.ts';

/** Shows how far a run over many bytes is. */
export interface ByteProgress {
  update(bytes: number, total?: number): void;
  /** Takes the bar away; call it before anything else is printed, also after a failure. */
  stop(): void;
}

const plainEvery = 5000;

/** A bar with rate and time left on a terminal, a plain line every 5 seconds elsewhere, nothing where `quiet`. */
export const createByteProgress = (io: CommandIo, title: string, quiet: boolean): ByteProgress => {
  if (quiet) {
    return { update: () => undefined, stop: () => undefined };
  }
  return io.isTerminal ? createBar(io, title) : createLines(io, title);
};

/** Bytes for people: `1.5 GiB`. */
export const formatBytes = (bytes: number): string => {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit] ?? ''}`;
};

const createBar = (io: CommandIo, title: string): ByteProgress => {
  const started = Date.now();
  let bar: progress.SingleBar | undefined;
  return {
    update(bytes, total = 0) {
      if (bar === undefined) {
        const format = `${title} {bar} {done} of {all}, {rate}/s, {eta_formatted} left`;
        bar = new progress.SingleBar(
          { format, stream: io.stderr, hideCursor: true },
          progress.Presets.shades_classic,
        );
        bar.start(Math.max(total, bytes), bytes, { done: '', all: '', rate: '' });
      }
      const rate = formatBytes((bytes * 1000) / Math.max(1, Date.now() - started));
      bar.setTotal(Math.max(total, bytes));
      bar.update(bytes, { done: formatBytes(bytes), all: formatBytes(Math.max(total, bytes)), rate });
    },
    stop: () => bar?.stop(),
  };
};

const createLines = (io: CommandIo, title: string): ByteProgress => {
  let next = Date.now() + plainEvery;
  return {
    update(bytes, total) {
      if (Date.now() < next) {
        return;
      }
      next = Date.now() + plainEvery;
      io.stderr.write(
        `${title}: ${formatBytes(bytes)}${total === undefined ? '' : ` of ${formatBytes(total)}`}\n`,
      );
    },
    stop: () => undefined,
  };
};
