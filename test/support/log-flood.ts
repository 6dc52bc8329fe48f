// Starts a process, as the server does, and logs to a standard error that nobody reads until lines are dropped, tells its parent how many, and logs on until it is left alone.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createLog } from '../../src/telemetry/create-log.ts';

let dropped = 0;
const linesDropped = (lines: number): void => {
  dropped += lines;
};
const log = createLog({ level: 'info', type: 'ecs', version: '1.2.3', linesDropped });
// One that has the same standard error makes writing to it wait again.
spawnSync(process.execPath, ['--version'], { stdio: ['ignore', 'ignore', 'inherit'] });
let number = 0;
for (;;) {
  if (dropped >= 1000) {
    break;
  }
  log.info({ number: number++ }, 'x'.repeat(200));
}
log.error({ number: number++ }, 'one that is written at once');
process.send?.(dropped);
const ticking = setInterval(() => log.info({ number: number++ }, 'goes on'), 10);
await once(process, 'disconnect');
clearInterval(ticking);
log.end();
