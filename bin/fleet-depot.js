#!/usr/bin/env node
// The installed command: the built program is all there is to start.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = new URL('../build/src/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  const folder = fileURLToPath(new URL('..', import.meta.url));
  process.stderr.write(
    `error: the program is not built yet\nRun \`npm ci && npm run build\` in ${folder} first.\n`,
  );
  process.exitCode = 1;
}
