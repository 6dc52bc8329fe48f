// `npm test`: install, build (which checks the types), format, lint, then the suite. `--suite` runs the suite alone; other words go to AVA.
import { spawn } from 'child_process';
import { join } from 'path';
import { existsSync } from 'fs';
import { alone } from './lock.js';
import { build, requireNode, root, run } from './prepare.js';
import { makeReady } from './ready.js';

requireNode();
const words = process.argv.slice(2);
const folders = ['src', 'test', 'bench'].filter((folder) => existsSync(join(root, folder)));
const suiteOnly = words.includes('--suite');

if (suiteOnly) {
  alone(build);
} else {
  makeReady();
}
if (!suiteOnly) {
  check('Format', 'oxfmt/bin/oxfmt', ['--check'].concat(folders, 'scripts'));
  check('Lint', 'oxlint/bin/oxlint', ['--type-aware', '--deny-warnings'].concat(folders));
}
runSuite(words.filter((word) => word !== '--suite'));

function check(title, script, scriptWords) {
  process.stdout.write(title + ' ...\n');
  const status = run(script, scriptWords);
  if (status !== 0) {
    process.stdout.write(title + ' failed.\n0 passed, 1 failed\n');
    process.exit(1);
  }
}

/** AVA's own output stays; its summary becomes one last line that a machine can read. */
function runSuite(suiteWords) {
  const color = process.stdout.isTTY ? ['--color'] : [];
  const ava = spawn(
    process.execPath,
    [join(root, 'node_modules/ava/entrypoints/cli.mjs')].concat(color, suiteWords),
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const counts = { passed: 0, failed: 0 };
  let line = '';
  ava.stdout.on('data', function (bytes) {
    process.stdout.write(bytes);
    const lines = (line + bytes.toString('utf8')).split('\n');
    line = lines.pop();
    lines.forEach((one) => count(one, counts));
  });
  ['SIGINT', 'SIGTERM'].forEach(function (signal) {
    process.on(signal, () => ava.kill(signal));
  });
  ava.on('close', function (status, signal) {
    if (status !== 0 && counts.failed === 0) {
      process.stdout.write(
        '\nThe test runner ended without a word: ' + (signal || 'exit code ' + status) + '\n',
      );
    }
    const failed = status === 0 ? 0 : Math.max(1, counts.failed);
    process.stdout.write('\n' + counts.passed + ' passed, ' + failed + ' failed\n');
    process.exitCode = failed === 0 ? 0 : status || 1;
  });
}

const failures =
  /^\s*(\d+) (?:tests? failed|hooks? failed|uncaught exceptions?|unhandled rejections?|tests? remained pending)/;

/** AVA prints a tick for each test that passed, and at its end a line for each way to fail. */
function count(line, counts) {
  // eslint-disable-next-line no-control-regex
  const plain = line.replace(/\u001B\[[0-9;]*m/g, '');
  if (/^\s*[✔√] /.test(plain)) {
    counts.passed += 1;
  }
  const failed = failures.exec(plain);
  if (failed !== null) {
    counts.failed += Number(failed[1]);
  }
}
