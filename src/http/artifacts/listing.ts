import type { Artifact } from '../../artifacts/artifact.ts';
import { escapeMarkup } from '../../artifacts/product-docs.ts';

/** A folder with what is right in it. */
export interface Listing {
  /** With a slash at its beginning and end. */
  readonly path: string;
  /** Names without slash. */
  readonly folders: readonly string[];
  readonly files: readonly ListedFile[];
}

/** A file of a listing. `reasons` says why it is not served. */
export interface ListedFile {
  readonly name: string;
  readonly size: number;
  /** ISO 8601. */
  readonly modified: string;
  readonly state: Artifact['state'];
  readonly served: boolean;
  readonly sha512?: string;
  readonly reasons: readonly string[];
  readonly warnings: readonly string[];
}

/** Lists a folder; undefined where nothing lies in it. */
export const listFolder = (
  path: string,
  artifacts: readonly Artifact[],
  isServed: (artifact: Artifact) => boolean,
): Listing | undefined => {
  const folders = new Set<string>();
  const files: ListedFile[] = [];
  for (const artifact of artifacts) {
    if (!artifact.path.startsWith(path)) {
      continue;
    }
    const [name = '', ...rest] = artifact.path.slice(path.length).split('/');
    if (rest.length > 0) {
      folders.add(name);
      continue;
    }
    files.push({
      name,
      size: artifact.size,
      modified: new Date(artifact.modifiedAt).toISOString(),
      state: artifact.state,
      served: isServed(artifact),
      ...(artifact.digest === undefined ? {} : { sha512: artifact.digest }),
      reasons: artifact.reasons,
      warnings: artifact.warnings,
    });
  }
  return folders.size + files.length === 0 ? undefined : { path, folders: [...folders].toSorted(), files };
};

const style =
  'body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}table{border-collapse:collapse;width:100%}' +
  'th,td{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #ddd;vertical-align:top}td.n{text-align:right;white-space:nowrap}' +
  '.q{color:#a00}.w{color:#850}.m{color:#666}@media(prefers-color-scheme:dark){body{background:#151515;color:#ddd}a{color:#8bf}th,td{border-color:#333}}';

/** The page of a folder: no script, nothing from outside. Links are relative, so that a prefix on the way doesn't matter. */
export const renderListing = ({ path, folders, files }: Listing): string => {
  const title = escapeMarkup(path);
  const rows = [
    ...(path === '/' ? [] : ['<tr><td><a href="../">../</a></td><td></td><td></td><td></td></tr>']),
    ...folders.map(
      (name) =>
        `<tr><td><a href="${href(name)}/">${escapeMarkup(name)}/</a></td><td></td><td></td><td></td></tr>`,
    ),
    ...files.map(
      (file) =>
        `<tr><td>${file.served ? `<a href="${href(file.name)}">${escapeMarkup(file.name)}</a>` : escapeMarkup(file.name)}</td>` +
        `<td class="n">${shownSize(file.size)}</td><td class="n">${file.modified.slice(0, 16).replace('T', ' ')}</td><td>${shownState(file)}</td></tr>`,
    ),
  ];
  return (
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
    `<title>${title}</title><style>${style}</style></head><body><h1>${title}</h1>` +
    '<table><thead><tr><th>Name</th><th>Size</th><th>Changed (UTC)</th><th>State</th></tr></thead><tbody>' +
    `${rows.join('\n')}</tbody></table></body></html>\n`
  );
};

const href = (name: string): string => escapeMarkup(encodeURIComponent(name).replaceAll('%2B', '+'));

const shownState = ({ state, served, reasons, warnings }: ListedFile): string => {
  const notes = [...reasons, ...warnings].map(escapeMarkup).join('; ');
  if (state === 'quarantined') {
    return `<span class="q">${served ? 'served in spite of this' : 'in quarantine'}: ${notes}</span>`;
  }
  const word = state === 'good' ? 'checked' : 'being checked';
  return notes === '' ? `<span class="m">${word}</span>` : `${word}; <span class="w">${notes}</span>`;
};

const shownSize = (size: number): string => {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const at = size < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(size) / 10));
  const value = size / 1024 ** at;
  return `${at === 0 ? value : value.toFixed(1)} ${units[at]}`;
};
