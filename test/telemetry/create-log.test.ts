import test from 'ava';
import { createLog, type LogOptions } from '../../src/telemetry/create-log.ts';
import type { Log } from '../../src/telemetry/log.ts';

const record = (options: Partial<LogOptions>, use: (log: Log) => void): string[] => {
  const lines: string[] = [];
  const output = { write: (line: string) => lines.push(line), flush: () => undefined, end: () => undefined };
  use(createLog({ level: 'info', type: 'ecs', version: '1.2.3', output, ...options }));
  return lines;
};

test('a line is one object in ECS, with what its logger was given', (t) => {
  const lines = record({}, (log) => {
    const child = log.child({ 'log.logger': 'index' });
    child.warn({ 'package.name': 'nginx', err: new Error('broken') }, 'kept in quarantine');
    log.debug({}, 'not shown');
  });
  t.is(lines.length, 1);
  const line = JSON.parse(lines[0] ?? '') as Record<string, unknown> & { error: Record<string, unknown> };
  t.is(line['log.level'], 'warn');
  t.is(line['message'], 'kept in quarantine');
  t.is(line['log.logger'], 'index');
  t.is(line['package.name'], 'nginx');
  t.is(line['service.name'], 'fleet-depot');
  t.is(line['service.version'], '1.2.3');
  t.is(line['ecs.version'], '8.10.0');
  t.regex(String(line['@timestamp']), /^\d{4}-\d\d-\d\dT/);
  t.is(line.error['message'], 'broken');
  t.regex(String(line.error['stack_trace']), /^Error: broken\n/);
});

test('at level fatal nothing is logged', (t) => {
  t.deepEqual(
    record({ level: 'fatal' }, (log) => log.error({}, 'broken')),
    [],
  );
});

test('lines for people have time, level, message and fields, and the stack below', (t) => {
  const [line = ''] = record({ type: 'dev', level: 'debug' }, (log) => {
    log.error({ path: '/a b', count: 2, err: new Error('broken') }, 'it failed');
  });
  t.regex(
    line,
    /^\d\d:\d\d:\d\d\.\d{3} ERROR it failed {2}path="\/a b" {2}count=2\n {4}Error: broken\n {4,}at [^]*\n$/,
  );
});

test('no password and no authorization leaves the process, in either form', (t) => {
  for (const type of ['ecs', 'dev'] as const) {
    const text = record({ type }, (log) => {
      log.info(
        {
          'proxy.url': 'http://site:hunter2@proxy:3128',
          headers: { authorization: 'Basic aHVudGVyMg==', cookie: ['hunter2'] },
        },
        'asked https://u:hunter2@upstream/x',
      );
      log.info(
        { proxyPassword: 'hunter2', err: new Error('Bearer hunter2hunter2 was refused') },
        'sent ApiKey hunter2=hunter2',
      );
    }).join('');
    t.false(text.includes('hunter2'), text);
    t.false(text.includes('aHVudGVyMg'), text);
    t.true(text.includes('proxy:3128'));
    t.true(text.includes('[redacted]'));
  }
});
