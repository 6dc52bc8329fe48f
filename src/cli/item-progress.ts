import { SingleBar } from 'cli-progress';
import type { CommandIo } from './verb.ts';

/** Shows on stderr how far a long run is. */
export interface ItemProgress {
  /** One more item is done. */
  step(): void;
  stop(): void;
}

const lineEvery = 10_000;

/** A bar on a terminal, a line every ten seconds elsewhere, nothing where `quiet`. */
export const createItemProgress = (
  io: CommandIo,
  what: string,
  total: number,
  quiet: boolean,
): ItemProgress => {
  if (quiet || total === 0) {
    return { step: () => undefined, stop: () => undefined };
  }
  if (io.isTerminal) {
    const bar = new SingleBar({
      format: `${what} {bar} {value}/{total}, {eta_formatted} left`,
      stream: io.stderr,
      hideCursor: true,
      clearOnComplete: true,
    });
    bar.start(total, 0);
    return { step: () => bar.increment(), stop: () => bar.stop() };
  }
  let done = 0;
  const timer = setInterval(() => io.stderr.write(`${what}: ${done} of ${total}\n`), lineEvery);
  timer.unref();
  return {
    step: () => {
      done += 1;
    },
    stop: () => clearInterval(timer),
  };
};
