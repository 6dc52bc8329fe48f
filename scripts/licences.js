// Which libraries are packed into dist, under which licence, with its text: made from what the packer really took.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const textFile = /^(licen[cs]e|copying|notice)([.-].*)?$/i;

/**
 * The text of `dist/LICENCES.txt`. Throws where a library has no licence in its package.json, or one that the packer doesn't know:
 * such a library is looked at before it is packed.
 */
export function describeLicences(root, metafiles) {
  const folders = new Set(
    metafiles
      .flatMap(({ outputs }) => Object.values(outputs).flatMap(({ inputs }) => Object.entries(inputs)))
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([path]) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0])
      .filter((folder) => folder !== undefined),
  );
  const libraries = [...folders].map((folder) => describe(root, folder)).toSorted(byName);
  const rows = libraries.map(
    ({ name, version, licence }) => `${`${name} ${version}`.padEnd(40)}${licence}\n`,
  );
  return `Libraries whose code is in the files of this folder, beside Fleet Depot's own (Apache-2.0; see LICENSE).
openpgp (LGPL-3.0-or-later) and piscina (MIT) are used, but are not in it. See THIRD-PARTY.md.

${rows.join('')}${libraries.map(textOf).join('')}`;
}

const known = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'PSF-2.0',
  'Python-2.0',
]);

function describe(root, folder) {
  const {
    name,
    version,
    license: licence,
    author,
    repository,
  } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  if (!known.has(licence)) {
    throw new Error(`${folder}: its licence is ${licence}; see scripts/licences.js before it is packed`);
  }
  const texts = readdirSync(join(root, folder))
    .filter((file) => textFile.test(file))
    .toSorted()
    .map((file) => readFileSync(join(root, folder, file), 'utf8').trim());
  const origin = [author?.name ?? author, repository?.url ?? repository].filter((one) => one !== undefined);
  return { name, version, licence, texts, origin };
}

const byName = (a, b) => (a.name < b.name ? -1 : 1);

const rule = `\n${'='.repeat(100)}\n`;

const textOf = ({ name, version, licence, texts, origin }) =>
  `${rule}${name} ${version}, ${licence}\n\n${texts.join('\n\n') || `(It brings no text of its own: ${origin.join(', ')}.)`}\n`;
