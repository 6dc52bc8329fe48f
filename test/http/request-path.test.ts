import test from 'ava';
import fc from 'fast-check';
import { encodePath, readRequestPath } from '../../src/http/request-path.ts';

const piece = fc.constantFrom(
  '/',
  '//',
  '.',
  '..',
  '%2e',
  '%2F',
  '%5c',
  'a',
  'search',
  '+',
  '%2B',
  '?',
  '#',
  '%',
  '%ff',
  'é',
  '%C3%A9',
  '\\',
  ' ',
  'http://x',
);
const target = fc.oneof(
  fc.array(piece).map((list) => `/${list.join('')}`),
  fc.array(piece).map((list) => list.join('')),
  fc.webPath().map((path) => path || '/'),
  fc.string(),
);
const prefix = fc.constantFrom('', '/registry', '/a/b');

test('a path never has an empty, "." or ".." segment, and begins with a slash', (t) => {
  fc.assert(
    fc.property(target, prefix, (text, before) => {
      const read = readRequestPath(text, before);
      return (
        read === undefined ||
        (read.path.startsWith('/') &&
          !read.path
            .slice(1)
            .replace(/\/$/, '')
            .split('/')
            .some(
              (segment, at, all) => segment === '..' || segment === '.' || (segment === '' && all.length > 1),
            ))
      );
    }),
    { numRuns: 3000 },
  );
  t.pass();
});

test('the address that a client is sent to is clean, and means the same', (t) => {
  fc.assert(
    fc.property(target, (text) => {
      const read = readRequestPath(text, '');
      if (read === undefined) {
        return true;
      }
      const again = readRequestPath(encodePath(read.path), '');
      return again?.isClean === true && again.path === read.path && again.query === '';
    }),
    { numRuns: 3000 },
  );
  t.pass();
});

test('every name is found by its encoded path', (t) => {
  const name = fc
    .string({ unit: 'grapheme', minLength: 1 })
    .filter((text) => !/[/\0]/.test(text) && text !== '.' && text !== '..');
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 5 }), (names) => {
      const path = `/${names.join('/')}`;
      const byPart = `/${names.map(encodeURIComponent).join('/')}`;
      return [encodePath(path), byPart].every((text) => readRequestPath(text, '')?.path === path);
    }),
  );
  t.pass();
});

test('a query stays as it came', (t) => {
  t.is(readRequestPath('/search?a=%2F//../b?c#d', '')?.query, '?a=%2F//../b?c#d');
  t.is(readRequestPath('http://x?a=b', '')?.path, '/');
  t.is(readRequestPath('http://x?a=b', '')?.query, '?a=b');
});
