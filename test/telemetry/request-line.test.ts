import test from 'ava';
import fc from 'fast-check';
import { createLog } from '../../src/telemetry/create-log.ts';
import type { Log } from '../../src/telemetry/log.ts';
import { requestFields, requestMessage, type RequestLine } from '../../src/telemetry/request-line.ts';

const line: RequestLine = {
  id: '7d9c4a1e-1111-4222-8333-444455556666',
  method: 'GET',
  url: '/search?package=nginx',
  path: '/search',
  status: 200,
  bytes: 1400,
  nanoseconds: 212_345,
  address: '127.0.0.1',
  agent: 'Kibana/9.2.0 node-fetch',
};

/** What both ways write of the same lines; the times are made equal. */
const writeBoth = (
  type: 'ecs' | 'dev',
  lines: readonly RequestLine[],
  child?: Record<string, string>,
): { readonly quick: string; readonly careful: string } => {
  const record = (use: (log: Log, one: RequestLine) => void): string => {
    let text = '';
    const output = {
      write: (part: string) => void (text += part),
      flush: () => undefined,
      end: () => undefined,
    };
    const log = createLog({ level: 'info', type, version: '1.2.3', output });
    const used = child ? log.child(child) : log;
    lines.forEach((one) => use(used, one));
    return text.replaceAll(/"@timestamp":"[^"]*"/g, '"@timestamp"').replaceAll(/^[\d:.]+/gm, '');
  };
  return {
    quick: record((log, one) => log.request('info', one)),
    careful: record((log, one) => log.info(requestFields(one), requestMessage(one))),
  };
};

const texts = fc.oneof(
  fc.string({ unit: 'grapheme-ascii' }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '/search?package=nginx',
    '/x?to=http://site:hunter2@proxy/',
    'Basic aHVudGVyMg==',
    'password',
    '"',
    '\\',
    'é',
    'Kibana/9.2.0 node-fetch',
    'Kibana/"',
  ),
);
const lines = fc.record({
  id: texts,
  method: fc.constantFrom('GET', 'HEAD', 'POST', 'M-SEARCH'),
  url: texts,
  path: fc.option(texts, { nil: undefined }),
  status: fc.integer({ min: 200, max: 599 }),
  bytes: fc.nat(),
  nanoseconds: fc.nat(),
  address: fc.constantFrom(undefined, '127.0.0.1', '::1', 'fe80::1%eth0'),
  agent: texts,
});

test('the line of a request is the one that the logger writes, whatever stands in it and whatever came before', (t) => {
  fc.assert(
    fc.property(fc.array(lines, { minLength: 1, maxLength: 4 }), (some) => {
      // The second time around parts of it are known.
      const { quick, careful } = writeBoth('ecs', [...some, ...some]);
      t.is(quick, careful);
    }),
  );
});

test('the same address is written with the path that it had for this request', (t) => {
  const { quick } = writeBoth('ecs', [line, { ...line, path: undefined }, { ...line, path: '/other' }]);
  t.deepEqual(
    quick
      .trimEnd()
      .split('\n')
      .map(
        (text) => (JSON.parse(text.replace('"@timestamp"', '"at":1')) as Record<string, unknown>)['url.path'],
      ),
    ['/search', undefined, '/other'],
  );
});

test('it carries what its logger was given, and people get theirs', (t) => {
  const named = writeBoth('ecs', [line], { 'process.role': 'worker' });
  t.is(named.quick, named.careful);
  t.regex(
    named.quick,
    /"process\.role":"worker".*"event\.duration":212345.*"message":"GET \/search\?package=nginx 200"\}\n$/,
  );
  const shown = writeBoth('dev', [line]);
  t.is(shown.quick, shown.careful);
});

test('a request below the level of the log has no line', (t) => {
  const written: string[] = [];
  const output = {
    write: (text: string) => void written.push(text),
    flush: () => undefined,
    end: () => undefined,
  };
  createLog({ level: 'info', type: 'ecs', version: '1', output }).request('debug', line);
  t.deepEqual(written, []);
});
