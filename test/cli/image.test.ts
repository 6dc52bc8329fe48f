import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { image } from '../../src/cli/image.ts';
import { scratch } from '../support/scratch.ts';
import { runVerb } from './verb-run.ts';

test('an image is never written to `-`, into its own content or with values of another form', async (t) => {
  const content = await scratch(t);
  await writeFile(join(content, 'one-1.0.0.zip'), 'x');
  const refused: readonly (readonly [readonly string[], RegExp])[] = [
    [['-o', '-'], /written to a file/],
    [['-o', join(content, 'image.tar')], /would lie inside/],
    [['-o', 'x.tar', '--tag', 'Upper:case'], /--tag takes NAME:TAG/],
    [['-o', 'x.tar', '--layer-size', '1KiB'], /--layer-size must be at least/],
    [['-o', 'x.tar', '--into', 'packages'], /--into takes an absolute folder/],
    [['-o', 'x.tar', '--into', '/packages/../etc'], /--into takes an absolute folder/],
    [['-o', 'x.tar', '--platform', 'arm64'], /--platform takes OS\/ARCHITECTURE/],
    [['-o', 'x.tar', '--env', 'EPR_LOG_LEVEL'], /--env takes KEY=VALUE/],
    [['-o', 'x.tar', '--label', '=x'], /--label takes KEY=VALUE/],
  ];
  for (const [words, message] of refused) {
    const { error } = await runVerb(image, ['--content', content, ...words]);
    t.is(error?.code, 'USAGE', words.join(' '));
    t.regex(error?.message ?? '', message);
  }
  t.deepEqual(await readdir(content), ['one-1.0.0.zip']);
  t.false((await readdir('.')).some((name) => name === '-' || name.endsWith('.tar')));
});
