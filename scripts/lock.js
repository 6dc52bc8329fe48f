// One build at a time: two that install and compile into the same folders would read what the other has half written. Plain
// JavaScript that Node 12 can still read, as prepare.js.
import { linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'fs';
import { join } from 'path';
import { root } from './prepare.js';

/** Milliseconds between two looks at the lock of another build. */
const pace = 200;

/**
 * Does `work` while no other build works in this checkout; waits where one does. A process that ended without letting its lock go,
 * as by `kill -9`, holds nothing.
 */
export function alone(work) {
  const path = join(root, 'build', '.lock');
  const own = path + '.' + process.pid;
  let told = false;
  while (!take(path, own)) {
    const holder = holderOf(path);
    if (holder !== undefined && !told) {
      process.stderr.write(
        'Waiting for the build of process ' +
          holder +
          ' in this folder (if there is none, remove ' +
          path +
          ') ...\n',
      );
      told = true;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pace);
  }
  const free = () => remove(path);
  process.on('exit', free);
  work();
  process.removeListener('exit', free);
  free();
}

/** By a link, which is there with its content at once, or not at all. */
function take(path, own) {
  try {
    mkdirSync(join(root, 'build'), { recursive: true });
    writeFileSync(own, String(process.pid));
  } catch (error) {
    process.stderr.write(
      'The program has to be installed and built first, and ' +
        root +
        " can't be written (" +
        error.code +
        ').\nRun `npm ci && npm run build` there as a user who may, and then this again.\n',
    );
    process.exit(1);
  }
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    // A file system without links has no lock, as before there was one.
    return error.code !== 'EEXIST';
  } finally {
    remove(own);
  }
}

/** The process that builds; undefined where it has gone, and then its lock is gone, too. */
function holderOf(path) {
  try {
    const holder = Number(readFileSync(path, 'utf8'));
    if (holder !== process.pid && isAlive(holder)) {
      return holder;
    }
    unlinkSync(path);
  } catch (error) {
    if (error.code !== 'ENOENT') {
      throw error;
    }
  }
  return undefined;
}

function isAlive(holder) {
  try {
    return holder > 0 && process.kill(holder, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function remove(path) {
  try {
    unlinkSync(path);
  } catch (error) {
    if (error.code !== 'ENOENT') {
      throw error;
    }
  }
}
