import { posix } from 'node:path';

/**
 * A text of Markdown without references to images that are gone: of an image its alternative text stays, of a link to one the
 * text of the link. Links, images, HTML's `<img>` and definitions of references are known; code stays as it is. Every other
 * letter stays. `path` is the text's own below the package's folder; `gone` has paths below that folder.
 */
export function cutImages(text: string, path: string, gone: ReadonlySet<string>): string {
  const names = [...gone].map((image) => posix.basename(image));
  if (!names.some((name) => text.includes(name) || text.includes(encodeURIComponent(name)))) {
    return text;
  }
  const isGone = (target: string): boolean => gone.has(resolveTarget(target, path));
  const labels = labelsOf(text, isGone);
  return text
    .split(code)
    .map((part, index) => (index % 2 === 1 ? part : cutPart(part, isGone, labels)))
    .join('');
}

/** Fenced blocks, closed or up to the end. */
const code = /(^ {0,3}(?:```|~~~)[^]*?(?:^ {0,3}(?:```|~~~)[^\n]*$|$(?![^])))/m;

// Bounds keep each search linear: no alternative text or address is that long.
const words = String.raw`((?:[^\[\]\\]|\\.){0,500})`;
const address = String.raw`\(\s{0,9}(?:<([^<>\n]{1,500})>|([^\s()<>]{1,500}))(?:\s{1,9}(?:"[^"]{0,500}"|'[^']{0,500}'))?\s{0,9}\)`;
const image = new RegExp(String.raw`!\[${words}\]${address}`, 'g');
const link = new RegExp(String.raw`(?<!!)\[${words}\]${address}`, 'g');
const labelled = new RegExp(String.raw`!?\[${words}\](?:\[([^\[\]\n]{0,500})\])?(?![(:])`, 'g');
const definition =
  /^ {0,3}\[([^[\]\n]{1,500})\]:[ \t]{0,9}<?([^\s<>]{1,500})>?(?:[ \t]{1,9}["'(][^\n]{0,500})?\r?(?:\n|$)/gm;
const tag = /<img\b[^<>]{0,2000}>/gi;

const cutPart = (text: string, isGone: (target: string) => boolean, labels: ReadonlySet<string>): string => {
  const named = (whole: string, shown: string, bracketed?: string, plain?: string): string =>
    isGone(bracketed ?? plain ?? '') ? shown : whole;
  const cut = text
    .replace(tag, (whole) => (isGone(attributeOf(whole, 'src')) ? attributeOf(whole, 'alt') : whole))
    .replace(image, named)
    .replace(link, named);
  return labels.size === 0
    ? cut
    : cut
        .replace(definition, (whole, name: string) => (labels.has(normalize(name)) ? '' : whole))
        .replace(labelled, (whole, shown: string, name?: string) =>
          labels.has(normalize(name || shown)) ? shown : whole,
        );
};

/** Labels of reference definitions whose target is gone. */
const labelsOf = (text: string, isGone: (target: string) => boolean): ReadonlySet<string> =>
  new Set(
    [...text.matchAll(definition)].flatMap(([, name = '', where = '']) =>
      isGone(where) ? [normalize(name)] : [],
    ),
  );

/** CommonMark 6.3: labels match whatever their case and white space. */
const normalize = (name: string): string => name.trim().replace(/\s+/g, ' ').toLowerCase();

const attributeOf = (whole: string, name: string): string => {
  const found = new RegExp(String.raw`\s${name}\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+))`, 'i').exec(whole);
  return found?.[1] ?? found?.[2] ?? found?.[3] ?? '';
};

/** The path below the package's folder that an address in a text of it means; empty where it leads elsewhere. */
const resolveTarget = (target: string, path: string): string => {
  const plain = target.replace(/[?#].*$/, '');
  if (plain === '' || /^[a-z][a-z0-9+.-]*:|^\/\//i.test(plain)) {
    return '';
  }
  let decoded = plain;
  try {
    decoded = decodeURIComponent(plain);
  } catch {
    // A percent sign of its own is part of the name.
  }
  const joined = decoded.startsWith('/') ? decoded : posix.join(posix.dirname(path), decoded);
  return posix.normalize(joined).replace(/^\/+/, '');
};
