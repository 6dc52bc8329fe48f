import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import test from 'ava';
import { ZipFile } from 'yazl';
import { runDepot } from '../support/command.ts';
import { writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';

/** Highest memory of a dry run over the folder, in megabytes, as the kernel counted it. */
const peakOf = async (root: string): Promise<{ peak: number; stdout: string }> => {
  const hook = `data:text/javascript,process.on('exit',()=>process.stderr.write('peak '+process.resourceUsage().maxRSS+'\\n'))`;
  const { stdout, stderr } = await runDepot(
    [
      'serve',
      '-dry-run',
      '-package-paths',
      root,
      '-require-package-signatures=false',
      '-package-paths-workers=1',
    ],
    { env: { NODE_OPTIONS: `--import ${JSON.stringify(hook)}` } },
  );
  const peaks = [...stderr.matchAll(/^peak (\d+)$/gm)].map(([, kilobytes]) => Number(kilobytes) / 1024);
  return { peak: Math.max(...peaks), stdout };
};

test('a manifest of 50 MB and 200,000 entries are refused without being read into memory', async (t) => {
  const good = await scratch(t);
  await writeZipPackage(good);
  const root = await scratch(t);
  await writeZipPackage(root);
  await writeZipPackage(root, {
    name: 'huge',
    files: { 'manifest.yml': `# ${randomBytes(25_000_000).toString('hex')}` },
  });
  const zip = new ZipFile();
  for (let at = 0; at < 200_000; at++) {
    zip.addBuffer(Buffer.alloc(0), `many-1.0.0/${at}`, { compress: false });
  }
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(join(root, 'many-1.0.0.zip')));
  const [before, after] = [await peakOf(good), await peakOf(root)];
  t.regex(after.stdout, /^huge-1\.0\.0\.zip: .*manifest\.yml.*limit/m);
  t.regex(after.stdout, /^many-1\.0\.0\.zip: .*entries is 200000, the limit is 20000/m);
  t.true(before.peak > 0);
  t.true(after.peak - before.peak < 100, `${before.peak} and ${after.peak} MB`);
});
