import test from 'ava';
import fc from 'fast-check';
import { readAnswerHead } from '../../src/net/answer-head.ts';

const head = (...lines: readonly string[]): string => lines.join('\r\n');

test('an ordinary head is read: status, headers in lower case, length, and whether the connection lives on', (t) => {
  const lines = ['HTTP/1.1 200 OK', 'Content-Length: 12', 'ETag: "a"', 'X-Blank:   ', 'etag: "b"'];
  const read = readAnswerHead(head(...lines));
  t.deepEqual(
    { ...read, headers: { ...read?.headers } },
    {
      status: 200,
      headers: { 'content-length': '12', etag: '"a"', 'x-blank': '' },
      length: 12,
      keepsAlive: true,
    },
  );
  t.false(readAnswerHead(head(...lines, 'Connection: close'))?.keepsAlive);
  t.is(readAnswerHead(head('HTTP/1.1 206', 'content-length: 5'))?.status, 206);
});

for (const [title, lines] of Object.entries({
  'a body in chunks': ['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'],
  'both ways to say how long it is': ['HTTP/1.1 200 OK', 'Content-Length: 1', 'Transfer-Encoding: chunked'],
  'two lengths': ['HTTP/1.1 200 OK', 'Content-Length: 1', 'Content-Length: 2'],
  'the same length twice': ['HTTP/1.1 200 OK', 'Content-Length: 1', 'content-length: 1'],
  'a length that is none': ['HTTP/1.1 200 OK', 'Content-Length: +1'],
  'a list of lengths': ['HTTP/1.1 200 OK', 'Content-Length: 1, 1'],
  'no length': ['HTTP/1.1 200 OK'],
  'another version': ['HTTP/1.0 200 OK', 'Content-Length: 1'],
  'an answer before the answer': ['HTTP/1.1 103 Early Hints', 'Content-Length: 1'],
  'a status without a body': ['HTTP/1.1 304 Not Modified', 'Content-Length: 1'],
  'another protocol': ['HTTP/1.1 200 OK', 'Content-Length: 1', 'Upgrade: h2c'],
  'a line that goes on': ['HTTP/1.1 200 OK', 'X-A: 1', ' 2', 'Content-Length: 1'],
  'a blank before the colon': ['HTTP/1.1 200 OK', 'Content-Length : 1'],
  'a bare line feed': ['HTTP/1.1 200 OK', 'X-A: 1\nContent-Length: 9', 'Content-Length: 1'],
  'no HTTP': ['220 mail.example.org ESMTP'],
})) {
  test(`${title} is left to a whole HTTP client`, (t) => {
    t.is(readAnswerHead(head(...lines)), undefined);
  });
}

test('of what is not the file only the head counts, however its page comes', (t) => {
  const read = readAnswerHead(head('HTTP/1.1 429 Slow', 'Retry-After: 3', 'Transfer-Encoding: chunked'));
  t.is(read?.status, 429);
  t.is(read?.length, 0);
  t.false(read?.keepsAlive);
  t.is(read?.headers['retry-after'], '3');
});

test('no text makes it throw, and no header is called by a name of Object', (t) => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), fc.nat(), (lines, length) => {
      readAnswerHead(lines.join('\r\n'));
      readAnswerHead(head('HTTP/1.1 200 OK', `Content-Length: ${length}`, ...lines));
    }),
  );
  t.is(readAnswerHead(head('HTTP/1.1 200 OK', 'Content-Length: 1'))?.headers['constructor'], undefined);
});
