import { posix } from 'node:path';

/** Where a request goes, after its address was decoded and cleaned. */
export interface RequestPath {
  /** Decoded and clean: no empty, `.` or `..` segment, no prefix. A key to look up, never a file's path. */
  readonly path: string;
  /** With its `?`, as it came; empty where there is none. */
  readonly query: string;
  /** False when the address was not clean and the client is to be sent to the clean one. */
  readonly isClean: boolean;
  /** True when nothing had to be decoded or taken off: the path stands in the request line as it is. */
  readonly isPlain: boolean;
}

const simple = /^\/(?!\/)(?:[\w+~:@!$&'()*,;=-]|\.(?=[\w+-])|\/(?![./]))*$/;

/**
 * Reads the target of a request line, also in its absolute form (`http://host/search`, as clients behind a proxy send
 * it). `+` is a literal plus. Undefined for a broken percent escape, and for a host that is none.
 */
export function readRequestPath(target: string, prefix: string): RequestPath | undefined {
  if (!target.startsWith('/') && target.includes('://') && !URL.canParse(target)) {
    return undefined;
  }
  const local = target.startsWith('/')
    ? target
    : target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '') || '/';
  const mark = local.indexOf('?');
  const raw = mark < 0 ? local : local.slice(0, mark);
  const query = mark < 0 ? '' : local.slice(mark);
  if (prefix === '' && simple.test(raw)) {
    return { path: raw, query, isClean: true, isPlain: local === target };
  }
  const decoded = decode(raw.startsWith('/') ? raw : `/${raw}`);
  if (decoded === undefined) {
    return undefined;
  }
  const clean = posix.normalize(decoded);
  const inside =
    clean === prefix || clean.startsWith(`${prefix}/`) ? clean.slice(prefix.length) || '/' : clean;
  return { path: inside, query, isClean: clean === decoded, isPlain: false };
}

/** Bytes that are no UTF-8 become a replacement character, which no name has. */
function decode(raw: string): string | undefined {
  if (!raw.includes('%')) {
    return raw;
  }
  try {
    return decodeURIComponent(raw);
  } catch {
    return /%(?![0-9a-fA-F]{2})/.test(raw)
      ? undefined
      : Buffer.from(unescape(raw), 'latin1').toString('utf8');
  }
}

/** A decoded path as it stands in an address; `+` and the other signs that a path may have stay as they are. */
export function encodePath(path: string): string {
  return encodeURI(path).replaceAll('?', '%3F').replaceAll('#', '%23');
}
