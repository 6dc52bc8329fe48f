import { spawnSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import test from 'ava';
import { ZipFile } from 'yazl';
import { scratch } from '../../support/scratch.ts';

const module = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);

const megabyte = 2 ** 20;
/** Of the file that is large. */
const megabytes = 400;

/** Bytes that compress to a hundredth, which no limit forbids. */
function* largeContent(): Generator<Buffer> {
  const piece = Buffer.alloc(megabyte, 'a');
  for (let at = 0; at < megabyte; at += 700) {
    piece.writeUInt32LE((at * 2_654_435_761) % 2 ** 32, at);
  }
  for (let count = 0; count < megabytes; count++) {
    yield piece;
  }
}

async function writeZip(file: string, manifest: string, compress: boolean): Promise<void> {
  const zip = new ZipFile();
  zip.addBuffer(Buffer.from(manifest), 'a-1.0.0/manifest.yml', { compress: true });
  zip.addReadStream(Readable.from(largeContent()), 'a-1.0.0/img/large.bin', { compress });
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(file));
}

interface Found {
  readonly verdict: { readonly ok: boolean; readonly reason?: string };
  /** Kilobytes. */
  readonly grown: number;
}

for (const [name, compress] of [
  ['deflated', true],
  ['stored', false],
] as const) {
  test(`an archive whose one ${name} file has ${megabytes} MB is checked in less than 64 MB`, async (t) => {
    if (process.platform !== 'linux') {
      t.log('skipped: peak memory is read from /proc');
      t.pass();
      return;
    }
    const file = join(await scratch(t), 'a-1.0.0.zip');
    await writeZip(file, 'name: a\nversion: 1.0.0\n', compress);
    const script = `
      import { readFileSync } from 'node:fs';
      import { checkArchive, createCheckMemory, defaultCheckLimits } from ${module('../../../src/mirror/checking/archive-check.js')};
      const peak = () => Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
      const before = peak();
      const task = { file: ${JSON.stringify(file)}, name: 'a', version: '1.0.0', limits: defaultCheckLimits };
      const verdict = await checkArchive(task, createCheckMemory([]));
      console.log(JSON.stringify({ verdict, grown: peak() - before }));`;
    const run = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
    t.is(run.status, 0, run.stderr);
    const { verdict, grown } = JSON.parse(run.stdout) as Found;
    t.true(verdict.ok, verdict.reason);
    t.log(`${Math.round(grown / 1024)} MB`);
    t.true(grown < 64 * 1024, `${grown} KB`);
  });
}
