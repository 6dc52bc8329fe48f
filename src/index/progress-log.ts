import { countOf } from '../domain/count.ts';
import type { Log } from '../telemetry/log.ts';

const interval = 2000;

/** Says every two seconds how far a long build is; a short one says nothing. */
export function createProgressLog(log: Log): (done: number, total: number) => void {
  let last = 0;
  return (done, total) => {
    const now = performance.now();
    if (done === 0) {
      last = now;
    } else if (now - last >= interval) {
      last = now;
      log.info(
        { 'event.action': 'index-progress' },
        `${done} of ${countOf(total, 'package is', 'packages are')} read`,
      );
    }
  };
}
