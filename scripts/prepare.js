// Plain JavaScript that Node 12 can still read, so that an old Node gets a clear message instead of a syntax error.
import { spawnSync } from 'child_process';
import { createHash } from 'crypto';
import { existsSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from 'fs';
import { dirname, join, relative } from 'path';
import { fileURLToPath } from 'url';

/** The checkout. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Ends the process where this Node is older than package.json asks for. */
export function requireNode() {
  const wanted = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node.replace('>=', '');
  const have = process.versions.node.split('.').map(Number);
  const want = wanted.split('.').map(Number);
  if (have[0] < want[0] || (have[0] === want[0] && have[1] < (want[1] || 0))) {
    process.stderr.write(
      'Fleet Depot needs Node ' +
        wanted +
        ' or newer. This is Node ' +
        process.versions.node +
        ' (' +
        process.execPath +
        ').\n' +
        'Install a current Node and run the command again.\n',
    );
    process.exit(1);
  }
}

/** Runs a program of node_modules with this Node; returns its exit code. */
export function run(script, words) {
  const result = spawnSync(process.execPath, [join(root, 'node_modules', script)].concat(words), {
    cwd: root,
    stdio: 'inherit',
  });
  return result.status === null ? 1 : result.status;
}

const stampPath = join(root, 'build', '.stamp');

/** Whether what was built last was built from the sources as they are, judged by content, and is there. */
export function isBuilt() {
  return (
    existsSync(stampPath) &&
    readFileSync(stampPath, 'utf8') === digestOfSources() &&
    existsSync(join(root, 'build', 'src', 'main.js')) &&
    isPacked()
  );
}

/** `dist/main.js` names the folder of the pack that is in force. */
function isPacked() {
  const main = join(root, 'dist', 'main.js');
  const inForce = existsSync(main) && /'(\.\/[0-9a-f]+\/main\.js)'/.exec(readFileSync(main, 'utf8'));
  return Boolean(inForce) && existsSync(join(root, 'dist', inForce[1]));
}

/** Compiles and packs where a source is newer than the last build. */
export function build() {
  if (isBuilt()) {
    return;
  }
  const stamp = digestOfSources();
  process.stderr.write('Building ...\n');
  if (!existsSync(stampPath)) {
    // The last build was cut: a file that it left half written would pass for one that is up to date.
    remove(join(root, 'build', '.tsbuildinfo'));
  }
  remove(stampPath);
  removeOrphans();
  const status = run('typescript/bin/tsc', ['-p', root]);
  if (status !== 0) {
    process.stderr.write('The build failed.\n');
    process.exit(status);
  }
  // A process of its own, like the compiler: what it imports may not be there before, and needs a current Node.
  const packed = run('../scripts/pack.js', []);
  if (packed !== 0) {
    process.stderr.write('The program could not be packed.\n');
    process.exit(packed);
  }
  writeFileSync(stampPath, stamp);
}

const folders = ['src', 'test', 'bench'];

function filesBelow(folder) {
  if (!existsSync(folder)) {
    return [];
  }
  return readdirSync(folder, { withFileTypes: true })
    .reduce(function (found, entry) {
      const path = join(folder, entry.name);
      return found.concat(entry.isDirectory() ? filesBelow(path) : [path]);
    }, [])
    .sort();
}

function digestOfSources() {
  const hash = createHash('sha256');
  const files = folders.reduce(
    function (found, folder) {
      return found.concat(filesBelow(join(root, folder)).filter((path) => path.endsWith('.ts')));
    },
    [
      'package.json',
      'package-lock.json',
      'tsconfig.json',
      'scripts/pack.js',
      'scripts/dist.js',
      'scripts/licences.js',
    ].map((name) => join(root, name)),
  );
  files.forEach(function (path) {
    const content = readFileSync(path);
    hash.update(relative(root, path) + '\0' + content.length + '\0').update(content);
  });
  return hash.digest('hex');
}

// Node 12 has no rmSync.
function remove(path) {
  if (existsSync(path)) {
    unlinkSync(path);
  }
}

/** Removes compiled files whose source is gone, so that no deleted test runs on. */
function removeOrphans() {
  const buildInfo = join(root, 'build', '.tsbuildinfo');
  let complete = true;
  folders.forEach(function (folder) {
    const sources = new Set(
      filesBelow(join(root, folder)).map((path) => relative(root, path).replace(/\.ts$/, '')),
    );
    filesBelow(join(root, 'build', folder)).forEach(function (path) {
      if (!sources.has(relative(join(root, 'build'), path).replace(/\.js(\.map)?$/, ''))) {
        unlinkSync(path);
      }
    });
    sources.forEach(function (name) {
      complete = complete && (name.endsWith('.d') || existsSync(join(root, 'build', name + '.js')));
    });
  });
  // An incremental build writes only what changed: without its output the record of it is worth nothing.
  if (!complete) {
    remove(buildInfo);
  }
}
