import { PassThrough } from 'node:stream';
import test from 'ava';
import { createOutput, type OutputOptions } from '../../src/cli/output.ts';

const record = (options: OutputOptions = {}) => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const io = { stdout, stderr, env: {}, isTerminal: false, signal: new AbortController().signal };
  const said = (stream: PassThrough): string => String(stream.read() ?? '');
  return { output: createOutput(io, options), stdout: () => said(stdout), stderr: () => said(stderr) };
};

test('a table is plain text in columns, without colours, borders or trailing spaces', (t) => {
  const { output, stdout } = record();
  output.table(
    ['package', 'reason'],
    [
      ['nginx-1.2.3', 'no title'],
      ['a', 7],
    ],
  );
  t.is(stdout(), 'package      reason\nnginx-1.2.3  no title\na            7\n');
});

test('results go to stdout; notes and progress to stderr, and nowhere when quiet', (t) => {
  for (const quiet of [false, true]) {
    const { output, stdout, stderr } = record({ quiet });
    output.line('done');
    output.json({ packages: 2 });
    output.note('reading');
    const progress = output.progress('packages', 3 << 20, 'bytes');
    progress.advance(1 << 20);
    progress.end();
    t.is(stdout(), 'done\n{\n  "packages": 2\n}\n');
    t.is(stderr(), quiet ? '' : 'reading\npackages: 1MiB of 3MiB\n');
  }
});
