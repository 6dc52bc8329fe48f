import test from 'ava';
import fc from 'fast-check';
import { createLog } from '../../src/telemetry/create-log.ts';
import type { FlatFields, Log } from '../../src/telemetry/log.ts';

/** What both ways write of the same; the times are made equal. */
const writeBoth = (
  type: 'ecs' | 'dev',
  fields: FlatFields,
  message: string,
  child?: FlatFields,
): { readonly quick: string; readonly careful: string } => {
  const record = (use: (log: Log) => void): string => {
    let text = '';
    const output = { write: (line: string) => void (text += line), flush: () => undefined };
    const log = createLog({ level: 'info', type, version: '1.2.3', output });
    use(child ? log.child(child) : log);
    return text.replace(/"@timestamp":"[^"]*"/, '"@timestamp"').replace(/^[\d:.]+/, '');
  };
  return {
    quick: record((log) => log.request('info', fields, message)),
    careful: record((log) => log.info(fields, message)),
  };
};

const texts = fc.oneof(
  fc.string({ unit: 'grapheme-ascii' }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '/search?package=nginx',
    'http://site:hunter2@proxy/',
    'Basic aHVudGVyMg==',
    'password',
    '"',
    '\\',
    'é',
  ),
);
const values = fc.oneof(texts, fc.integer(), fc.double(), fc.constant(undefined));
// Names are ours, never a client's.
const fieldNames = fc.constantFrom('url.path', 'url.query', 'http.request.id', 'user_agent.original', 'a');

test('the line of a request is the one that the logger writes, whatever stands in it', (t) => {
  fc.assert(
    fc.property(fc.dictionary(fieldNames, values), texts, (fields, message) => {
      const { quick, careful } = writeBoth('ecs', fields, message);
      t.is(quick, careful);
    }),
  );
});

test('it carries what its logger was given, and people get theirs', (t) => {
  const fields = { 'http.request.method': 'GET', 'event.duration': 12 };
  const named = writeBoth('ecs', fields, 'GET / 200', { 'process.role': 'worker' });
  t.is(named.quick, named.careful);
  t.regex(named.quick, /"process\.role":"worker".*"event\.duration":12.*"message":"GET \/ 200"\}\n$/);
  const shown = writeBoth('dev', fields, 'GET / 200');
  t.is(shown.quick, shown.careful);
});

test('a request below the level of the log has no line', (t) => {
  const lines: string[] = [];
  const output = { write: (line: string) => void lines.push(line), flush: () => undefined };
  createLog({ level: 'info', type: 'ecs', version: '1', output }).request('debug', {}, 'GET /health 200');
  t.deepEqual(lines, []);
});
