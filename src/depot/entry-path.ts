import { DepotError } from '../domain/errors.ts';

const part = /^[A-Za-z0-9_][A-Za-z0-9._+~@-]*$/;
const maxLength = 512;
const maxPartLength = 200;
const maxDepth = 16;

/**
 * Holds a path below a snapshot folder to one strict rule, so that it means the same file on every file system and can
 * never leave the folder: parts of ASCII letters, digits and `. _ - + ~ @`, none beginning with a dot or ending with
 * one, at most 16 parts, 200 characters each, 512 in all. Returns the path. Throws DepotError PATH_INVALID.
 */
export const entryPath = (path: string): string => {
  const reason = faultOf(path);
  if (reason !== undefined) {
    throw new DepotError('PATH_INVALID', { path: printable(path), reason });
  }
  return path;
};

/**
 * Refuses a set of paths in which two, or folders of theirs, differ only by case, or one is a folder of another: such a set can't be laid out
 * on every file system. Expects paths that passed `entryPath`. Throws DepotError PATH_INVALID.
 */
export const refuseClashes = (paths: Iterable<string>): void => {
  const files = new Map<string, string>();
  const folders = new Map<string, string>();
  for (const path of paths) {
    const folded = path.toLowerCase();
    const other = files.get(folded);
    if (other !== undefined) {
      throw new DepotError('PATH_INVALID', {
        path,
        reason: other === path ? 'it is listed twice' : `it differs from ${other} only by case`,
      });
    }
    files.set(folded, path);
    for (let slash = folded.indexOf('/'); slash >= 0; slash = folded.indexOf('/', slash + 1)) {
      const folder = path.slice(0, slash);
      const known = folders.get(folded.slice(0, slash)) ?? folder;
      if (known !== folder) {
        throw new DepotError('PATH_INVALID', {
          path,
          reason: `its folder ${folder} differs from ${known} only by case`,
        });
      }
      folders.set(folded.slice(0, slash), folder);
    }
  }
  for (const folder of folders.keys()) {
    const file = files.get(folder);
    if (file !== undefined) {
      throw new DepotError('PATH_INVALID', { path: file, reason: 'it is a file and a folder at once' });
    }
  }
};

const faultOf = (path: string): string | undefined => {
  if (path === '') {
    return 'it is empty';
  }
  if (path.length > maxLength) {
    return `it has more than ${maxLength} characters`;
  }
  if (path.startsWith('/')) {
    return 'it is absolute';
  }
  const parts = path.split('/');
  if (parts.length > maxDepth) {
    return `it has more than ${maxDepth} parts`;
  }
  for (const one of parts) {
    if (one === '..' || one === '.') {
      return `it has a part "${one}"`;
    }
    if (one.length > maxPartLength) {
      return `a part has more than ${maxPartLength} characters`;
    }
    if (!part.test(one) || one.endsWith('.')) {
      return `the part "${printable(one)}" breaks the rule for names`;
    }
  }
  return undefined;
};

/** A foreign name for a message: no control characters, none that turn the direction of what follows, not endless. */
export const printable = (text: string): string =>
  JSON.stringify(text.slice(0, 120))
    .slice(1, -1)
    .replace(/\p{Cf}/gu, (one) => `\\u${one.codePointAt(0)?.toString(16).padStart(4, '0')}`);
