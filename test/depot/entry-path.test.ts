import test from 'ava';
import path from 'node:path';
import * as fc from 'fast-check';
import { entryPath, printable, refuseClashes } from '../../src/depot/entry-path.ts';

test('names of packages, agents and keys are allowed', (t) => {
  for (const name of [
    'apache-1.2.3-beta.1+build.zip.sig',
    'artifacts/downloads/beats/elastic-agent/elastic-agent-9.4.0-linux-x86_64.tar.gz',
    'keys/site.asc',
    'distribution.lock',
  ]) {
    t.is(entryPath(name), name);
  }
});

test('whatever leaves the folder or means different files on different systems is refused', (t) => {
  const bad = [
    '',
    '.',
    '..',
    '/a',
    'a/',
    'a//b',
    'a/../b',
    './a',
    'a/.b',
    '.a',
    '-a',
    'a.',
    'a b',
    'a\\b',
    'a:b',
    'a\u0000',
    'a\n',
    'ä',
    'C:/x',
    `${'a/'.repeat(16)}a`,
    'a'.repeat(201),
  ];
  for (const name of bad) {
    t.throws(() => entryPath(name), { code: 'PATH_INVALID' }, name);
  }
});

test('an allowed path never leaves its folder', (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a./\\~-]{1,12}$/)), (text) => {
      try {
        const resolved = path.resolve('/depot', entryPath(text));
        return resolved.startsWith('/depot/') && path.posix.normalize(text) === text;
      } catch {
        return true;
      }
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

test('paths that clash on some file system are refused', (t) => {
  t.throws(() => refuseClashes(['a.zip', 'A.zip']), { code: 'PATH_INVALID', message: /only by case/ });
  t.throws(() => refuseClashes(['a', 'a']), { message: /twice/ });
  t.throws(() => refuseClashes(['a/b', 'a']), { message: /a file and a folder/ });
  t.throws(() => refuseClashes(['A/x', 'a/y']), { message: /its folder a differs from A only by case/ });
  t.throws(() => refuseClashes(['x/A/x', 'x/a/y']), { message: /only by case/ });
  t.notThrows(() => refuseClashes(['a/b', 'a/c', 'ab', 'b/A/x', 'c/a/x']));
});

test('a foreign name can neither end a line of a message nor turn what follows it', (t) => {
  t.is(printable('a\n\u001b[31m\u202Ebig'), 'a\\n\\u001b[31m\\u202ebig');
  t.is(printable('Üben-1.0.0.zip'), 'Üben-1.0.0.zip');
});
