// Divides a folder into numbered parts below a size, one part for each layer of an image. Files are hard-linked, or copied where
// the file system has no links. Plain Node, no dependencies: it runs inside the image build.
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** Files below a folder by their path in it, sorted by bytes; hidden files and what is no file are left out. */
export const filesOf = (root) => {
  const found = [];
  const walk = (relative) => {
    for (const item of readdirSync(join(root, relative), { withFileTypes: true })) {
      const path = relative === '' ? item.name : `${relative}/${item.name}`;
      if (item.name.startsWith('.') || item.name === 'lost+found') {
        continue;
      }
      if (item.isDirectory()) {
        walk(path);
      } else if (item.isFile()) {
        found.push({ path, size: lstatSync(join(root, path)).size });
      } else {
        throw new Error(
          `${join(root, path)} is neither a file nor a folder; only those can go into an image`,
        );
      }
    }
  };
  walk('');
  return found.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
};

/** Groups of files, each at most `limit` bytes with what a tar adds. */
export const groupsOf = (files, limit) => {
  const groups = [[]];
  let bytes = 0;
  for (const file of files) {
    const size = 3 * 512 + Math.ceil(file.size / 512) * 512;
    if (size > limit) {
      throw new Error(
        `${file.path} alone (${file.size} bytes) is larger than a layer may be (${limit} bytes)`,
      );
    }
    if (bytes + size > limit) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1).push(file);
    bytes += size;
  }
  return groups;
};

/** The folder that holds the packages: of a depot its current snapshot, else the folder itself. */
export const contentFolder = (folder) =>
  existsSync(join(folder, 'depot.json')) ? realpathSync(join(folder, 'current')) : folder;

/** Fills `target/00`, `target/01`, …; all `parts` of them exist afterwards, the last ones may be empty. Returns how many are filled. */
export const splitContent = (folder, target, { parts, limit }) => {
  const source = contentFolder(folder);
  const files = filesOf(source);
  if (files.length === 0) {
    throw new Error(`${source} has no files: there is nothing to put into the image`);
  }
  const groups = groupsOf(files, limit);
  if (groups.length > parts) {
    throw new Error(
      `the content needs ${groups.length} layers and the Dockerfile has ${parts}; make the image with \`fleet-depot image\``,
    );
  }
  for (let part = 0; part < parts; part += 1) {
    const place = join(target, String(part).padStart(2, '0'));
    mkdirSync(place, { recursive: true });
    for (const { path } of groups[part] ?? []) {
      const to = join(place, path);
      mkdirSync(dirname(to), { recursive: true });
      linkOrCopy(join(source, path), to);
    }
  }
  return {
    filled: groups.length,
    files: files.length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
  };
};

const everyoneReads = 0o444;

const linkOrCopy = (from, to) => {
  if (!linked(from, to)) {
    copyFileSync(from, to);
    chmodSync(to, 0o644);
  }
  if (statSync(to).size !== statSync(from).size) {
    throw new Error(`${from} changed while it was copied`);
  }
};

/** A link has its file's rights: what not every user can read must be a copy, since nobody knows as whom the image will run. */
const linked = (from, to) => {
  if ((statSync(from).mode & everyoneReads) !== everyoneReads) {
    return false;
  }
  try {
    linkSync(from, to);
    return true;
  } catch {
    return false;
  }
};
