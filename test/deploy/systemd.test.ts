import { spawnSync } from 'node:child_process';
import test from 'ava';
import { placeOf, read, variables } from '../support/deployment.ts';

test('the unit of systemd starts the program, knows its settings and waits for running downloads', (t) => {
  const unit = read('deploy/systemd/fleet-depot.service');
  const valuesOf = (key: string): readonly string[] =>
    [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value = '']) => value);
  t.regex(
    valuesOf('ExecStart')[0] ?? '',
    /^\/usr\/bin\/node \/opt\/fleet-depot\/bin\/fleet-depot\.js serve$/,
  );
  const named = valuesOf('Environment').map((line) => line.split('=')[0] ?? '');
  t.deepEqual(
    named.filter((name) => !variables.has(name)),
    ['NODE_ENV'],
  );
  t.true(Number(valuesOf('TimeoutStopSec')[0]) > 30);
  const checked = spawnSync('systemd-analyze', ['--version']).error
    ? undefined
    : spawnSync('systemd-analyze', ['verify', placeOf('deploy/systemd/fleet-depot.service')], {
        encoding: 'utf8',
      });
  if (checked === undefined) {
    t.log('not checked by systemd: systemd-analyze is not installed');
  } else {
    // A machine without the program in its place lacks the files, and says so; any other line is about the unit.
    const lines = checked.stderr.split('\n').filter((line) => !/is not executable|No such file/.test(line));
    t.deepEqual(
      lines.filter((line) => line.includes('fleet-depot.service')),
      [],
    );
  }
});
