import { readFile } from 'node:fs/promises';
import test from 'ava';
import { configurationPage, errorsPage } from '../../src/cli/reference-pages.ts';

const pages = { 'docs/configuration.md': configurationPage, 'docs/errors.md': errorsPage } as const;

for (const [path, render] of Object.entries(pages)) {
  test(`${path} is what the table in the code says (npm run docs writes it)`, async (t) => {
    t.is(await readFile(path, 'utf8'), render());
  });
}
