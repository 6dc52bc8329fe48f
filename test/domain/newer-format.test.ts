import test from 'ava';
import { refuseNewer } from '../../src/domain/newer-format.ts';

test('a format of the same name and a higher number is of a newer version; anything else is left to the reader', (t) => {
  for (const found of ['fleet-depot-x/2', 'fleet-depot-x/10']) {
    const error = t.throws(() => refuseNewer('a.json', found, 'fleet-depot-x/1'), { code: 'FORMAT_NEWER' });
    t.regex(
      error.message,
      /^a\.json was made by a newer version of Fleet Depot: its format is fleet-depot-x\/\d+, this one reads/,
    );
  }
  for (const found of [
    'fleet-depot-x/1',
    'fleet-depot-x/0',
    'fleet-depot-y/2',
    'fleet-depot-x/2a',
    '',
    2,
    null,
    undefined,
    {},
  ]) {
    t.notThrows(() => refuseNewer('a.json', found, 'fleet-depot-x/1'), String(found));
  }
});
