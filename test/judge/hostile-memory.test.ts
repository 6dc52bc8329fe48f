import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { runCommand } from '../support/command.ts';
import { writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';
import { buildZip } from '../support/zip-builder.ts';

/** Highest memory of a dry run over the folder and of its readers, in megabytes, as the kernel counted it. */
const peakOf = async (root: string, cache: string): Promise<{ peak: number; stdout: string }> => {
  const file = join(cache, 'peaks');
  const write = `appendFileSync('${file}',process.resourceUsage().maxRSS+'\\n')`;
  const hook = `data:text/javascript,import{appendFileSync}from'node:fs';process.on('exit',()=>${write})`;
  const { stdout } = await runCommand(
    [
      'serve',
      '-dry-run',
      '-cache-dir',
      cache,
      '-package-paths',
      root,
      '-require-package-signatures=false',
      '-package-paths-workers=1',
    ],
    { env: { NODE_OPTIONS: `--import ${JSON.stringify(hook)}` } },
  );
  const peaks = (await readFile(file, 'utf8'))
    .trim()
    .split('\n')
    .map((kilobytes) => Number(kilobytes) / 1024);
  return { peak: Math.max(...peaks), stdout };
};

test('a manifest of 50 MB and 200,000 entries behind a lying count are refused without being read into memory', async (t) => {
  const good = await scratch(t);
  await writeZipPackage(good);
  const root = await scratch(t);
  await writeZipPackage(root);
  await writeZipPackage(root, {
    name: 'huge',
    files: { 'manifest.yml': `# ${randomBytes(25_000_000).toString('hex')}` },
  });
  const entries = Array.from({ length: 200_000 }, (_, at) => ({ name: `many-1.0.0/${at}`, method: 0 }));
  await writeFile(join(root, 'many-1.0.0.zip'), buildZip(entries, { count: 0xffff }));
  const [before, after] = [await peakOf(good, await scratch(t)), await peakOf(root, await scratch(t))];
  t.regex(after.stdout, /^huge-1\.0\.0\.zip: .*manifest\.yml.*limit/m);
  t.regex(after.stdout, /^many-1\.0\.0\.zip: .*(?:number of entries|lie)/m);
  t.true(before.peak > 0);
  t.true(after.peak - before.peak < 100, `${before.peak} and ${after.peak} MB`);
});
