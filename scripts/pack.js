// Packs the compiled program from build/src into dist: a file for each way into it, and a few that these share. Node loads ten files in a
// fraction of the time that it takes for two hundred small ones with their libraries. Packed by esbuild: the field's own, without
// dependencies. Names and lines stay readable, for stack traces and for who looks after it. See docs/architecture.md.
import { rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, 'build', 'src');
const target = join(root, 'dist');

/** Code that is started, or imported, by its name: the program, its threads and processes, and what the Dockerfile uses. */
const entries = [
  'main',
  'artifacts/content-worker',
  'judge/entry-worker',
  'judge/reader',
  'mirror/archive-worker',
  'mirror/release-worker',
  'image/content',
  'image/recorded-content',
];

rmSync(target, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: entries.map((name) => ({ in: join(source, `${name}.js`), out: basename(name) })),
  outdir: target,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // openpgp stays a module of its own that can be replaced, as its licence wants; piscina starts files of its own folder.
  external: ['openpgp', 'piscina'],
  // Libraries in CommonJS ask for Node's own modules by `require`.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});

// Which code has judged the packages of an index: build/src is no part of an installation.
const { digestJudgingCode, judgingDigestFile } = await import(
  pathToFileURL(join(source, 'index', 'index-origin.js')).href
);
writeFileSync(join(target, judgingDigestFile), `${await digestJudgingCode(pathToFileURL(`${source}/`))}\n`);
