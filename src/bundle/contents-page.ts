import { bytesOf, digestOfFiles } from '../depot/file-list.ts';
import { countOf } from '../domain/count.ts';
import { parseConstraint } from '../domain/constraint.ts';
import { DepotError } from '../domain/errors.ts';
import type { BundleEntry, BundleManifest } from './manifest.ts';

const title = '# Contents of this bundle';

/** The page that tells people what a bundle holds, as Markdown; the same entries make the same text. */
export const contentsPage = (manifest: Omit<BundleManifest, 'page'>): string => {
  const { entries, base, source, volumes } = manifest;
  const held = entries.filter((entry) => entry.volume > 0);
  const kinds = new Map<string, number>();
  for (const { path } of entries) {
    kinds.set(kindOf(path), (kinds.get(kindOf(path)) ?? 0) + 1);
  }
  const lines = [
    title,
    '',
    `- Complete set: ${entries.length} files, ${bytesOf(entries)} bytes, digest ${digestOfFiles(entries)}`,
    `- Held here: ${countOf(held.length, 'file')}, ${bytesOf(held)} bytes, in ${countOf(volumes, 'volume')}`,
    source === undefined
      ? '- Made from a folder'
      : `- Made from snapshot ${source.snapshot} of depot ${source.depot}`,
    base === undefined
      ? '- Complete: needs nothing at the receiver'
      : `- Needs snapshot ${base.snapshot} of depot ${base.depot} at the receiver`,
    ...[...kinds].map(([kind, files]) => `- ${kind}: ${files}`).toSorted(),
    '',
    'Check it with `fleet-depot bundle verify FILE…`, take it in with `fleet-depot bundle import FILE… --into DEPOT`.',
    'Each file lies in the archive as `content/SHA-256`.',
    '',
    '| path | bytes | volume | SHA-256 | Kibana |',
    '| --- | ---: | ---: | --- | --- |',
    ...entries.map(
      (entry) =>
        `| ${entry.path} | ${entry.size} | ${entry.volume === 0 ? 'at the receiver' : entry.volume} | ${entry.sha256} | ${kibanaCell(entry.kibana)}|`,
    ),
    '',
  ];
  return lines.join('\n');
};

/** Whether a text is a contents page. */
export const isContentsPage = (text: string): boolean => text.startsWith(title);

/** A file that a contents page names. */
export type ListedFile = Pick<BundleEntry, 'path' | 'kibana'>;

/** The last column came later: a page without it is read as well, and so is one with more columns behind it. */
const row =
  /^\| (\S+) \| \d+ \| (?:\d+|at the receiver) \| [0-9a-f]{64} \|(?: (?:`((?:[^`|\\\r\n]|\\\|)+)` )?\|(?: .*\|)?)?\r?$/gm;

const count = /^- Complete set: (\d+) files,/m;

/** The files of a contents page, for who has only the page. Nothing of it is proven. Throws DepotError BUNDLE_INVALID. */
export const parseContentsPage = (text: string, file: string): readonly ListedFile[] => {
  const fail = (reason: string): DepotError => new DepotError('BUNDLE_INVALID', { file, reason });
  const files = [...text.matchAll(row)].map(([, path = '', cell]): ListedFile => {
    const kibana = cell?.replaceAll('\\|', '|');
    if (kibana !== undefined && !parseConstraint(kibana)) {
      throw fail(`what ${path} wants of Kibana is no version constraint`);
    }
    return { path, ...(kibana === undefined ? {} : { kibana }) };
  });
  if (files.length === 0) {
    throw fail('this contents page names no file');
  }
  const said = count.exec(text)?.[1];
  if (said !== undefined && Number(said) !== files.length) {
    throw fail(
      `it says that it has ${said} files, and ${files.length} can be read: it was cut or changed, or a newer version of Fleet Depot made it`,
    );
  }
  return files;
};

/** A bar would end the cell also within code; white space of all kinds means the same in a constraint. */
const kibanaCell = (constraint: string | undefined): string =>
  constraint === undefined ? '' : `\`${constraint.trim().replace(/\s+/g, ' ').replaceAll('|', '\\|')}\` `;

const kindOf = (path: string): string => {
  if (path.includes('/')) {
    return `${path.slice(0, path.indexOf('/'))}/`;
  }
  if (path.endsWith('.zip')) {
    return 'packages (.zip)';
  }
  if (path.endsWith('.sig')) {
    return 'signatures (.sig)';
  }
  return 'other files';
};
