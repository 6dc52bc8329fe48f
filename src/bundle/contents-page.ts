import { bytesOf, digestOfFiles } from '../depot/file-list.ts';
import { DepotError } from '../domain/errors.ts';
import type { BundleManifest } from './manifest.ts';

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
    `- Held here: ${held.length} files, ${bytesOf(held)} bytes, in ${volumes} volume${volumes === 1 ? '' : 's'}`,
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
    '| path | bytes | volume | SHA-256 |',
    '| --- | ---: | ---: | --- |',
    ...entries.map(
      (entry) =>
        `| ${entry.path} | ${entry.size} | ${entry.volume === 0 ? 'at the receiver' : entry.volume} | ${entry.sha256} |`,
    ),
    '',
  ];
  return lines.join('\n');
};

/** Whether a text is a contents page. */
export const isContentsPage = (text: string): boolean => text.startsWith(title);

/** The paths of a contents page, for who has only the page. Nothing of it is proven. Throws DepotError BUNDLE_INVALID. */
export const parseContentsPage = (text: string, file: string): readonly string[] => {
  const paths = [
    ...text.matchAll(/^\| (\S+) \| \d+ \| (?:\d+|at the receiver) \| [0-9a-f]{64} \|\r?$/gm),
  ].map((row) => row[1] ?? '');
  if (paths.length === 0) {
    throw new DepotError('BUNDLE_INVALID', { file, reason: 'this contents page names no file' });
  }
  return paths;
};

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
