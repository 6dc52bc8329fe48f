#!/usr/bin/env node
// The installed command: the built program is all there is to start. Plain JavaScript that Node 12 can still read, so that an old Node
// gets a clear message instead of a syntax error.
import { existsSync, readFileSync } from 'fs';
import { fileURLToPath } from 'url';

const main = new URL('../dist/main.js', import.meta.url);
const wanted = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
).engines.node.slice(2);

if (!isNewEnough()) {
  end('error: Fleet Depot needs Node ' + wanted + ' or newer, and this is ' + process.versions.node + ' (' + process.execPath + ')\n' +
    'Start it with a current Node.\n'); // prettier-ignore
} else if (existsSync(main)) {
  import(main.href).catch(function (error) {
    if (error.code === 'ERR_MODULE_NOT_FOUND') {
      build('the program is not whole: ' + error.message);
    } else {
      end((error.stack || error) + '\n');
    }
  });
} else {
  build('the program is not built yet');
}

function build(why) {
  end('error: ' + why + '\n' +
    'Run `npm ci && npm run build` in ' + fileURLToPath(new URL('..', import.meta.url)) + ' first.\n'); // prettier-ignore
}

function isNewEnough() {
  const have = process.versions.node.split('.').map(Number);
  const want = wanted.split('.').map(Number);
  return have[0] > want[0] || (have[0] === want[0] && have[1] >= (want[1] || 0));
}

function end(text) {
  process.stderr.write(text);
  process.exitCode = 1;
}
