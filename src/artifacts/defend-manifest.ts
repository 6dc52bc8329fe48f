import { openZip, type ZipArchive } from '../archive/zip-reader.ts';
import { DepotError } from '../domain/errors.ts';

/** What a manifest of Elastic Defend refers to, or why it can't be read. */
export type DefendManifest =
  | {
      readonly urls: readonly string[];
      /** SHA-256 and size of the files as they are transferred, by `relative_url`, where the manifest says so. */
      readonly contents: ReadonlyMap<string, DefendContent>;
      readonly problem?: never;
    }
  | { readonly urls?: never; readonly problem: string };

/** What a manifest says of a file: its `encoded_sha256` and `encoded_size`. */
export interface DefendContent {
  readonly sha256: string;
  readonly size?: number;
}

const limits = {
  maxEntries: 64,
  maxEntryBytes: 16 * 1024 * 1024,
  maxTotalBytes: 64 * 1024 * 1024,
  maxRatio: 1000,
};

/** Reads `artifacts-{version}.zip`: every `relative_url` of its JSON, each once. Never throws for what the file holds. */
export const readDefendManifest = async (path: string): Promise<DefendManifest> => {
  let zip: ZipArchive;
  try {
    zip = await openZip(path, limits);
  } catch (error) {
    if (!(error instanceof DepotError)) {
      throw error;
    }
    return { problem: `is no zip that can be read: ${error.message}` };
  }
  try {
    const urls = new Map<string, DefendContent | undefined>();
    for (const name of zip.files.keys()) {
      if (/\.json$|^[^.]*$/.test(name)) {
        collect(parseWrapped((await zip.read(name)).toString('utf8')), urls, 0);
      }
    }
    if (urls.size === 0) {
      return { problem: 'has no JSON with a relative_url in it' };
    }
    const odd = [...urls.keys()].find((url) => !/^(?!.*\/[./])\/downloads\/[\w./+-]+$/.test(url));
    return odd === undefined
      ? {
          urls: [...urls.keys()],
          contents: new Map([...urls].flatMap(([url, content]) => (content ? [[url, content]] : []))),
        }
      : { problem: `refers to ${JSON.stringify(odd)}, which is no path below /downloads/` };
  } catch (error) {
    if (!(error instanceof DepotError)) {
      throw error;
    }
    return { problem: `is damaged: ${error.message}` };
  } finally {
    await zip.close();
  }
};

const collect = (value: unknown, urls: Map<string, DefendContent | undefined>, depth: number): void => {
  if (typeof value !== 'object' || value === null || depth > 12) {
    return;
  }
  for (const [key, child] of Object.entries(value)) {
    if (key === 'relative_url' && typeof child === 'string') {
      urls.set(child, urls.get(child) ?? contentOf(value));
    } else {
      collect(typeof child === 'string' ? parseWrapped(child) : child, urls, depth + 1);
    }
  }
};

const contentOf = (described: object): DefendContent | undefined => {
  const { encoded_sha256: sha256, encoded_size: size } = described as Record<string, unknown>;
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/i.test(sha256)) {
    return undefined;
  }
  return { sha256: sha256.toLowerCase(), ...(typeof size === 'number' ? { size } : {}) };
};

/** The manifest stands as text inside a JSON envelope, plain or as base64. */
const parseWrapped = (text: string): unknown => {
  for (const candidate of [
    text,
    /^[\w+/=-]{16,}$/.test(text) ? Buffer.from(text, 'base64').toString() : '',
  ]) {
    if (/^\s*[{[]/.test(candidate)) {
      try {
        return JSON.parse(candidate) as unknown;
      } catch {
        // Not JSON after all.
      }
    }
  }
  return undefined;
};
