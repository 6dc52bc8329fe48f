import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { hostileZips, testLimits } from '../support/hostile-zips.ts';
import { scratch } from '../support/scratch.ts';

const module = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);

test('refusing every hostile archive one after the other takes less than 64 MB', async (t) => {
  if (process.platform !== 'linux') {
    t.log('skipped: peak memory is read from /proc');
    t.pass();
    return;
  }
  const folder = await scratch(t);
  for (const [at, hostile] of hostileZips.entries()) {
    await writeFile(join(folder, `${at}.zip`), hostile.bytes());
  }
  const script = `
    import { readFileSync } from 'node:fs';
    import { openZip } from ${module('../../src/archive/zip-reader.js')};
    const limits = ${JSON.stringify(testLimits)};
    // Peak memory of this program alone; the maxRSS of resourceUsage() begins with that of the program that started it.
    const peak = () => Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
    const before = peak();
    let refused = 0;
    for (let at = 0; at < ${hostileZips.length}; at += 1) {
      try {
        const zip = await openZip(${JSON.stringify(folder)} + '/' + at + '.zip', limits);
        try {
          for (const name of zip.files.keys()) await zip.read(name);
        } finally {
          await zip.close();
        }
      } catch {
        refused += 1;
      }
    }
    console.log(JSON.stringify({ refused, grown: peak() - before }));`;
  const child = spawnSync(
    process.execPath,
    ['--max-old-space-size=64', '--input-type=module', '-e', script],
    { encoding: 'utf8' },
  );
  t.is(child.status, 0, child.stderr);
  const { refused, grown } = JSON.parse(child.stdout) as { refused: number; grown: number };
  t.is(refused, hostileZips.filter((hostile) => hostile.isPackageRule !== true).length);
  t.log(`${Math.round(grown / 1024)} MB`);
  t.true(grown < 64 * 1024, `${grown} KiB`);
});
