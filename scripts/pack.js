// Packs the compiled program from build/src into dist: a file for each way into it, and a few that these share. Node loads ten files in a
// fraction of the time that it takes for two hundred small ones with their libraries. Packed by esbuild: the field's own, without
// dependencies. Names and lines stay readable, for stack traces and for who looks after it. See docs/architecture.md.
import { basename, dirname, join } from 'node:path';
import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { writeDist } from './dist.js';
import { describeLicences } from './licences.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, 'build', 'src');

/** Code that is imported by its name: the program, and what the Dockerfile uses. These share what they have in common. */
const imported = ['main', 'image/content', 'cli/image/recorded-content'];

/** Code that is started as a thread or process of its own: each is one file, as it shares nothing while it runs. */
const started = [
  'artifacts/content-worker',
  'judge/entry-worker',
  'judge/reader',
  'mirror/checking/archive-worker',
  'mirror/release/release-worker',
];

// Which code has judged the packages of an index: build/src is no part of an installation.
const { digestJudgingCode, judgingDigestFile } = await import(
  pathToFileURL(join(source, 'index', 'index-origin.js')).href
);
const judging = `${await digestJudgingCode(pathToFileURL(`${source}/`))}\n`;
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const pack = (names, splitting) =>
  build({
    absWorkingDir: root,
    entryPoints: names.map((name) => ({ in: join(source, `${name}.js`), out: basename(name) })),
    outdir: join(root, 'dist'),
    write: false,
    metafile: true,
    bundle: true,
    splitting,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    // openpgp stays a module of its own that can be replaced, as its licence wants; piscina starts files of its own folder.
    external: ['openpgp', 'piscina'],
    // A process that is started after package.json was replaced is still of the version that it was packed with.
    define: { packedVersion: JSON.stringify(version) },
    // Libraries in CommonJS ask for Node's own modules by `require`.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });

const packed = await Promise.all([pack(imported, true), pack(started, false)]);
const files = new Map(
  packed.flatMap(({ outputFiles }) => outputFiles.map(({ path, contents }) => [basename(path), contents])),
);
files.set(judgingDigestFile, judging);
writeDist(join(root, 'dist'), files, {
  names: imported.map((name) => `${basename(name)}.js`),
  beside: new Map([
    [
      'LICENCES.txt',
      describeLicences(
        root,
        packed.map(({ metafile }) => metafile),
      ),
    ],
    [judgingDigestFile, judging],
  ]),
});
