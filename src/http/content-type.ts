import { posix } from 'node:path';

/**
 * Types by extension. Kibana refuses (400) a README or an icon of a type outside its list, so Markdown is
 * `text/markdown` and YAML `text/yaml`. HTML and scripts are never sent as such: nothing in a package is to run.
 */
const byExtension: Readonly<Record<string, string>> = {
  '.md': 'text/markdown; charset=utf-8',
  '.yml': 'text/yaml; charset=UTF-8',
  '.yaml': 'text/yaml; charset=UTF-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.zip': 'application/zip',
  '.pdf': 'application/pdf',
};

const plain = 'text/plain; charset=utf-8';

/** The type of a file by its extension; undefined for one that isn't known. */
export function typeByName(path: string): string | undefined {
  return byExtension[posix.extname(path).toLowerCase()];
}

/** How pictures begin that Kibana shows. */
const pictures: readonly (readonly [beginning: string, type: string])[] = [
  ['\u0089PNG\r\n\u001a\n', 'image/png'],
  ['\u00ff\u00d8\u00ff', 'image/jpeg'],
  ['GIF87a', 'image/gif'],
  ['GIF89a', 'image/gif'],
];

/** The type of a file by its first bytes, as the reference tells it where the name doesn't: a picture or text, else neither. */
export function typeByContent(bytes: Uint8Array): string {
  const beginning = Buffer.from(bytes.subarray(0, 8)).toString('latin1');
  const picture = pictures.find(([known]) => beginning.startsWith(known));
  return picture?.[1] ?? (looksLikeText(bytes.subarray(0, 512)) ? plain : 'application/octet-stream');
}

/** Whether compressing helps: text does, pictures and archives don't. */
export function isCompressible(path: string): boolean {
  const known = byExtension[posix.extname(path).toLowerCase()];
  return (
    known === undefined ||
    known.startsWith('text/') ||
    known === 'application/json' ||
    known === 'image/svg+xml'
  );
}

/** No control characters but white space and escape (WHATWG MIME sniffing, binary data bytes). */
function looksLikeText(bytes: Uint8Array): boolean {
  return bytes.every(
    (byte) => byte >= 0x20 || (byte >= 0x09 && byte <= 0x0d && byte !== 0x0b) || byte === 0x1b,
  );
}
