import { execFile } from 'node:child_process';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { scratch } from './support/scratch.ts';

const lint = resolve('node_modules/oxlint/bin/oxlint');

test('the lint refuses an import across the borders of the folders, and takes one along them', async (t) => {
  const folder = await scratch(t);
  await copyFile('.oxlintrc.json', join(folder, '.oxlintrc.json'));
  const refusals = async (path: string, from: string): Promise<boolean> => {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `export { thing } from '${from}';\n`);
    const run = promisify(execFile)(process.execPath, [lint, path], { cwd: folder });
    const { stdout } = await run.catch((error: { stdout: string }) => error);
    return stdout.includes('no-restricted-imports');
  };
  const refused = [
    ['src/domain/thing.ts', '../http/server.ts'],
    ['src/domain/thing.ts', 'js-yaml'],
    ['src/signing/thing.ts', '../domain/manifest.ts'],
    ['src/http/routes/thing.ts', '../../net/tls.ts'],
    ['src/source/thing.ts', 'openpgp'],
    ['src/http/thing.ts', '../app.ts'],
    ['src/app.ts', './cli/serve.ts'],
    ['src/mirror/record/thing.ts', '../packages/deps.ts'],
    ['src/mirror/transfer/thing.ts', '../../depot/depot.ts'],
  ] as const;
  const taken = [
    ['src/domain/thing.ts', 'semver'],
    ['src/signing/thing.ts', '../domain/errors.ts'],
    ['src/http/routes/thing.ts', '../send.ts'],
    ['src/http/routes/thing.ts', '../../domain/errors.ts'],
    ['src/cli/thing.ts', '../app.ts'],
    ['src/mirror/packages/thing.ts', '../record/journal.ts'],
    ['src/mirror/packages/thing.ts', './deps.ts'],
    ['src/mirror/packages/thing.ts', '../../net/client.ts'],
  ] as const;
  for (const [path, from] of refused) {
    t.true(await refusals(path, from), `${path} from ${from}`);
  }
  for (const [path, from] of taken) {
    t.false(await refusals(path, from), `${path} from ${from}`);
  }
});
