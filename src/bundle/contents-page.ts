import { bytesOf, digestOfFiles } from '../depot/file-list.ts';
import type { BundleManifest } from './manifest.ts';

/** The page that tells people what a bundle holds, as Markdown; the same entries make the same text. */
export const contentsPage = (manifest: Omit<BundleManifest, 'page'>): string => {
  const { entries, base, source, volumes } = manifest;
  const held = entries.filter((entry) => entry.volume > 0);
  const kinds = new Map<string, number>();
  for (const { path } of entries) {
    kinds.set(kindOf(path), (kinds.get(kindOf(path)) ?? 0) + 1);
  }
  const lines = [
    '# Contents of this bundle',
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
