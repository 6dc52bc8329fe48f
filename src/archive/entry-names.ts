const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Longest path of an entry in bytes, and most folders on its way. Real packages need 200 and 9. */
export const nameBounds = { bytes: 1024, depth: 32 } as const;

/**
 * An entry's name as the archive has it, or undefined where its bytes are not UTF-8. The flag that tells UTF-8 from
 * CP437 is not asked: plain ASCII is the same in both, and writers that leave the flag out write UTF-8 all the same.
 */
export const decodeEntryName = (raw: Uint8Array): string | undefined => {
  try {
    return utf8.decode(raw);
  } catch {
    return undefined;
  }
};

// C0, DEL and C1 controls: they forge log lines, and NUL ends a path for the system.
// oxlint-disable-next-line no-control-regex
const control = /[\u0000-\u001f\u007f-\u009f]/;

/**
 * Why a path must not be used below a package's root, as a clause that follows the quoted name; undefined for a good one.
 * Expects a path without trailing slash. A path that passes has only plain segments, so that it never leaves the root.
 */
export const entryNameProblem = (name: string): string | undefined => {
  if (name === '') {
    return 'has no name';
  }
  if (name.includes('\\')) {
    return 'has a backslash in its name; paths in a package are written with "/"';
  }
  if (name.startsWith('/') || /^[A-Za-z]:/.test(name)) {
    return 'has an absolute path';
  }
  if (control.test(name)) {
    return 'has a control character in its name';
  }
  if (name.length > nameBounds.bytes || Buffer.byteLength(name) > nameBounds.bytes) {
    return `has a path of more than ${nameBounds.bytes} bytes`;
  }
  const segments = name.split('/');
  if (segments.includes('..')) {
    return 'leads out of the package';
  }
  if (segments.includes('.') || segments.includes('')) {
    return 'has an empty or "." segment in its path';
  }
  if (segments.length > nameBounds.depth) {
    return `lies more than ${nameBounds.depth} folders deep`;
  }
  return undefined;
};

/** A name in quotes for a message: escaped, and cut where it is long. */
export const quoteName = (name: string): string => {
  const shown = name.length > 160 ? `${name.slice(0, 157)}…` : name;
  return JSON.stringify(shown).replace(/[\u007f-\u009f]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`);
};
