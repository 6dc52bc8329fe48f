// The folder dist: every pack has a folder of its own there, named by its content, and `main.js` says which one is in force.
import { createHash } from 'node:crypto';
import {
  closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync,
} from 'node:fs'; // prettier-ignore
import { join } from 'node:path';

/** Packs that stay, with the newest: a server that was started before starts its threads and processes from the folder that it came from. */
const kept = 3;

/**
 * Adds a pack to `dist`, puts it in force in one step, and removes the oldest ones. `files` are its files by name, `names` the ones
 * that are imported by their name in `dist`, `beside` files that lie in `dist` itself. A build that is cut leaves the last pack in force.
 */
export function writeDist(dist, files, { names, beside }) {
  const id = digest(files);
  const folder = join(dist, id);
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of files) {
    replace(join(folder, name), content);
  }
  sync(folder);
  const now = new Date();
  utimesSync(folder, now, now);
  for (const [name, content] of beside) {
    replace(join(dist, name), content);
  }
  const packs = readdirSync(dist, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== id)
    .map(({ name }) => ({ name, time: statSync(join(dist, name)).mtimeMs }))
    .toSorted((a, b) => b.time - a.time);
  const older = packs.slice(0, kept - 1).map(({ name }) => name);
  // What npm leaves out of an archive that it makes of this checkout.
  replace(join(dist, '.npmignore'), older.map((name) => `/${name}/\n`).join(''));
  for (const name of names) {
    replace(join(dist, name), `export * from './${id}/${name}';\n`);
  }
  sync(dist);
  const wanted = new Set([id, ...older, ...names, ...beside.keys(), '.npmignore']);
  for (const name of readdirSync(dist).filter((one) => !wanted.has(one))) {
    rmSync(join(dist, name), { recursive: true, force: true });
  }
}

/** What the pack is called: a digest of all its files. */
function digest(files) {
  const hash = createHash('sha256');
  for (const name of [...files.keys()].toSorted()) {
    const content = Buffer.from(files.get(name));
    hash.update(`${name}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex').slice(0, 16);
}

/** Under a temporary name, synced, renamed; one that is there already stays as it is. */
function replace(path, content) {
  const bytes = Buffer.from(content);
  if (existsSync(path) && readFileSync(path).equals(bytes)) {
    return;
  }
  const temporary = `${path}.part`;
  const file = openSync(temporary, 'w');
  try {
    writeFileSync(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}

function sync(folder) {
  // Not every system can open a folder.
  if (process.platform !== 'win32') {
    const file = openSync(folder, 'r');
    fsyncSync(file);
    closeSync(file);
  }
}
