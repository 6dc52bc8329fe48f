// Writes the lines of a log to standard error: log-writer.js COUNT [FILE]. FILE is removed when two thirds are written.
import { rmSync } from 'node:fs';
import { standardError } from '../../src/telemetry/standard-error.ts';
import { logLines } from './log-lines.ts';

const [count = '1', file] = process.argv.slice(2);
const output = standardError({ dropped: () => undefined, resumed: () => undefined });
const lines = logLines(Number(count));
for (const [at, line] of lines.entries()) {
  if (file !== undefined && at === Math.floor((lines.length * 2) / 3)) {
    rmSync(file);
  }
  output.write(line);
}
output.end();
process.exit();
