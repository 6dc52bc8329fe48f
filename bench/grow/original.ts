import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { openZip } from '../../src/archive/zip-reader.ts';
import { writeZip } from '../../src/archive/zip-writer.ts';
import type { Archive } from '../corpus.ts';

/** A real package that others are made of. */
export interface Original {
  /** Writes it into `folder` as its own successor number `step`: same content, another version in manifest and top folder. */
  writeAs(folder: string, step: number): Promise<void>;
}

interface Content {
  readonly name: string;
  readonly version: string;
  readonly files: ReadonlyMap<string, Buffer>;
}

const limits = {
  maxEntries: 20_000,
  maxEntryBytes: 64 * 2 ** 20,
  maxTotalBytes: 2 ** 30,
  maxRatio: 1100,
};

// Far above what any package has, so that no made version is a real one.
const patchStep = 1000;

/** Each is read when it is first written, and then kept. */
export const openOriginals = (archives: readonly Archive[]): Original[] =>
  archives.map(({ path }) => {
    let read: Promise<Content> | undefined;
    return {
      writeAs: async (folder, step) => write(folder, await (read ??= readContent(path)), step),
    };
  });

async function readContent(path: string): Promise<Content> {
  const zip = await openZip(path, limits);
  try {
    const files = new Map<string, Buffer>();
    for (const name of zip.files.keys()) {
      // Without the top folder, which gets another name.
      files.set(name.slice(name.indexOf('/') + 1), await zip.read(name));
    }
    const manifest = files.get('manifest.yml')?.toString() ?? '';
    const field = (key: string): string =>
      new RegExp(`^${key}:\\s*["']?([^"'\\s#]+)`, 'm').exec(manifest)?.[1] ?? '';
    return { name: field('name'), version: field('version'), files };
  } finally {
    await zip.close();
  }
}

async function write(folder: string, { name, version, files }: Content, step: number): Promise<void> {
  const raised = version.replace(
    /^(\d+\.\d+\.)(\d+)/,
    (_, start: string, patch: string) => start + (Number(patch) + step * patchStep),
  );
  const inputs = [...files].map(([path, bytes]) => ({
    path,
    read: () =>
      Promise.resolve(
        path === 'manifest.yml'
          ? Buffer.from(bytes.toString().replace(/^version:.*$/m, `version: ${raised}`))
          : bytes,
      ),
  }));
  const top = `${name}-${raised}`;
  await pipeline(writeZip(top, inputs), createWriteStream(join(folder, `${top}.zip`)));
}
