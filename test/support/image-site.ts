import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { judgingDigestFile } from '../../src/index/index-origin.ts';
import { runCommand, type Finished } from './command.ts';
import { writeDockerBase, type TarItem } from './image-archives.ts';
import { readMadeImage, readTarBytes, type ReadEntry } from './made-image.ts';
import { scratch } from './scratch.ts';

/** What `fleet-depot image --json` says, as far as tests ask. */
export interface ImageReport {
  readonly layers: readonly { readonly size: number; readonly files: number }[];
  readonly index?: {
    readonly file?: string;
    readonly packages?: number;
    readonly unknown?: number;
    readonly reason?: string;
  };
}

/** Differences of a base from a good one. */
export interface BaseChanges {
  readonly env?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly files?: readonly TarItem[];
}

/** A folder that is the image's root as well: what an image has in it is unpacked to where its server would see it. */
export interface ImageSite {
  readonly folder: string;
  /** Packages to be put into an image. */
  readonly content: string;
  /** Where they are in the image, and where its index is. */
  readonly packages: string;
  readonly cache: string;
  /** Writes a base that has the built program. */
  writeBase(name: string, changes?: BaseChanges): Promise<void>;
  make(words: readonly string[]): Promise<Finished & { readonly report: ImageReport }>;
  /** Puts the image's files to their places; returns the entries of its last layer. */
  unpack(image: string): Promise<readonly ReadEntry[]>;
}

const root = '/opt/fleet-depot';

/** The program as an image has it: what tells which one it is. */
const programFiles = async (): Promise<readonly TarItem[]> => [
  { name: `${root.slice(1)}/package.json`, content: await readFile('package.json') },
  { name: `${root.slice(1)}/bin/fleet-depot.js`, content: '' },
  {
    name: `./${root.slice(1)}/dist/${judgingDigestFile}`,
    content: await readFile(join('dist', judgingDigestFile)),
  },
];

/** Prepares content folder and program. */
export const createImageSite = async (t: ExecutionContext): Promise<ImageSite> => {
  const folder = await scratch(t);
  const [packages, cache] = [join(folder, 'root/packages'), join(folder, 'root/cache/fleet-depot')];
  const program = await programFiles();
  const settings = `package_paths:\n  - ${join(folder, 'root/mounted')}\n  - ${packages}\n`;
  const site: ImageSite = {
    folder,
    content: join(folder, 'content'),
    packages,
    cache,
    writeBase: (name, changes = {}) =>
      writeDockerBase(join(folder, name), {
        files: [
          ...program,
          { name: 'etc/depot/config.yml', content: settings },
          { name: `${dirname(cache).slice(1)}/`, header: { type: 'directory', mode: 0o750, uid: 7, gid: 8 } },
          { name: `${cache.slice(1)}/`, header: { type: 'directory', mode: 0o777 } },
          ...(changes.files ?? []),
        ],
        config: {
          config: {
            Env: [
              `EPR_CACHE_DIR=${cache}`,
              'EPR_REQUIRE_PACKAGE_SIGNATURES=false',
              'EPR_SECRET_FILE=/nowhere',
              ...(changes.env ?? []),
            ],
            Entrypoint: changes.entrypoint ?? ['/usr/local/bin/node', `${root}/bin/fleet-depot.js`],
            Cmd: changes.cmd ?? ['serve', '-max-entries', '9000'],
            WorkingDir: '/etc/depot',
          },
        },
      }),
    make: async (words) => {
      const finished = await runCommand(
        ['image', '--content', site.content, '--into', packages, '--json', ...words],
        {
          cwd: folder,
        },
      );
      return { ...finished, report: JSON.parse(finished.stdout || '{}') as ImageReport };
    },
    unpack: async (image) => {
      const { layers } = await readMadeImage(join(folder, image));
      let last: readonly ReadEntry[] = [];
      for (const layer of layers) {
        last = await readTarBytes(layer);
        for (const { header, content } of last) {
          const place = `/${header.name}`;
          if (!place.startsWith(`${folder}/root/`)) {
            continue;
          }
          if (header.type === 'directory') {
            await mkdir(place, { recursive: true });
            await chmod(place, header.mode ?? 0);
          } else {
            await mkdir(dirname(place), { recursive: true });
            await writeFile(place, content);
          }
        }
      }
      return last;
    },
  };
  await mkdir(site.content);
  await mkdir(join(folder, 'root/mounted'), { recursive: true });
  return site;
};
