import progress from 'cli-progress';
import { formatBytes } from '../config/bytes.ts';
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

const createBar = (io: CommandIo, title: string): ByteProgress => {
  const started = Date.now();
  let bar: progress.SingleBar | undefined;
  return {
    update(bytes, total) {
      const all = Math.max(total ?? 0, bytes);
      const rate = formatBytes((bytes * 1000) / Math.max(1, Date.now() - started));
      const shown = { done: formatBytes(bytes), all: formatBytes(all), rate };
      if (bar === undefined) {
        // Without a known end a bar would only be full all the time.
        const format =
          total === undefined
            ? `${title} {done}, {rate}/s`
            : `${title} {bar} {percentage}% {done} of {all}, {rate}/s, {eta_formatted} left`;
        bar = new progress.SingleBar(
          { format, stream: io.stderr, hideCursor: true, barsize: 30 },
          progress.Presets.shades_classic,
        );
        bar.start(all, bytes, shown);
        return;
      }
      bar.setTotal(all);
      bar.update(bytes, shown);
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
