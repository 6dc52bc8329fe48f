import { createHash, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeKey, signWith, type MadeKey } from '../signing/made-keys.ts';

/** A folder with artifacts and keys as a site has them. */
export interface Release {
  /** The folder that has `downloads/` in it. */
  readonly artifacts: string;
  readonly keys: string;
  readonly key: MadeKey;
  /** Writes an artifact with its `.sha512` and `.asc`; `path` is below `downloads/`. Returns its content. */
  add(path: string, content?: Buffer): Promise<Buffer>;
  /** Writes any file below `downloads/`. */
  put(path: string, content: string | Buffer): Promise<void>;
}

const beginnings: Readonly<Record<string, string>> = {
  gz: '1f8b0800',
  zip: '504b0304',
  deb: '213c617263683e',
  rpm: 'edabeedb',
};

/** Bytes that begin as the file's extension promises. */
export const artifactBytes = (path: string, size = 2000): Buffer =>
  Buffer.concat([Buffer.from(beginnings[path.split('.').at(-1) ?? ''] ?? '', 'hex'), randomBytes(size)]);

/** The line that `shasum -a 512 -b` writes. */
export const sha512Line = (path: string, content: Buffer): string =>
  `${createHash('sha512').update(content).digest('hex')}  ${basename(path)}\n`;

/** Makes the folders and the site's key, which is served as the agents' key. */
export const makeRelease = async (folder: string): Promise<Release> => {
  const artifacts = join(folder, 'artifacts');
  const keys = join(folder, 'keys');
  const key = await makeKey();
  const put = async (path: string, content: string | Buffer): Promise<void> => {
    const file = join(artifacts, 'downloads', path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  };
  await mkdir(join(artifacts, 'downloads'), { recursive: true });
  await mkdir(keys, { recursive: true });
  await writeFile(join(keys, 'GPG-KEY-elastic-agent'), key.armored);
  return {
    artifacts,
    keys,
    key,
    put,
    add: async (path, content = artifactBytes(path)) => {
      await put(path, content);
      await put(`${path}.sha512`, sha512Line(path, content));
      await put(`${path}.asc`, await signWith(key, content));
      return content;
    },
  };
};

/** The path of an agent's archive below `downloads/`. */
export const agentPath = (version: string, suffix = 'linux-x86_64.tar.gz'): string =>
  `beats/elastic-agent/elastic-agent-${version}-${suffix}`;
