import type { Writable } from 'node:stream';
import { SingleBar } from 'cli-progress';
import type { Progress, ProgressTotal } from '../../mirror/transfer/progress.ts';
import { formatBytes } from '../../config/bytes.ts';

/** Milliseconds between two looks at the bar, and between two lines where there is none. */
const [betweenBars, betweenLines] = [250, 5000];

/** A bar with bytes, rate and time left on a terminal; else a line now and then. `noun` is what the items are. */
export function createProgress(stream: Writable, isTerminal: boolean, noun: string): Progress {
  let total: ProgressTotal = { items: 0, bytes: 0 };
  let bytes = 0;
  let items = 0;
  let startedAt = 0;
  let timer: NodeJS.Timeout | undefined;
  const bar = isTerminal
    ? new SingleBar({
        stream: stream,
        format: `{bar} {items}/{allItems} ${noun}  {text}`,
        clearOnComplete: true,
        hideCursor: true,
      })
    : undefined;

  const describe = (): string => {
    const seconds = (performance.now() - startedAt) / 1000;
    const rate = seconds > 0 ? bytes / seconds : 0;
    const left =
      total.bytes > 0 && rate > 0 ? formatDuration(Math.max(0, total.bytes - bytes) / rate) : 'unknown time';
    return `${formatBytes(bytes)}${total.bytes > 0 ? ` of ${formatBytes(total.bytes)}` : ''}, ${formatBytes(rate)}/s, ${left} left`;
  };
  const show = (): void => {
    // By bytes where they are known, else by packages.
    const done = total.bytes > 0 ? Math.min(1, bytes / total.bytes) : items / Math.max(1, total.items);
    if (bar) {
      bar.update(Math.round(done * 1000), { items, allItems: total.items, text: describe() });
    } else {
      stream.write(`${items}/${total.items} ${noun}, ${describe()}\n`);
    }
  };

  return {
    start(expected) {
      total = expected;
      startedAt = performance.now();
      bar?.start(1000, 0, { items: 0, allItems: expected.items, text: '' });
      timer = setInterval(show, bar ? betweenBars : betweenLines);
      timer.unref();
    },
    bytes(count) {
      bytes += count;
    },
    item() {
      items++;
    },
    stop() {
      if (timer) {
        clearInterval(timer);
      }
      bar?.stop();
    },
  };
}

/** `1 h 02 min`, `3 min 20 s`, `12 s`. */
function formatDuration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole >= 3600) {
    return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`;
  }
  return whole >= 60
    ? `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`
    : `${whole} s`;
}
