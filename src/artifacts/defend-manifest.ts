import { openZip, type ZipArchive } from '../archive/zip-reader.ts';
import { DepotError } from '../domain/errors.ts';

/** What a manifest says of a file as it lies on the server, as far as it does. */
export interface DefendFacts {
  readonly size?: number;
  /** Lower-case hex. */
  readonly sha256?: string;
}

/** What a manifest of Elastic Defend refers to, or why it can't be read. */
export type DefendManifest =
  | {
      readonly urls: readonly string[];
      readonly facts: ReadonlyMap<string, DefendFacts>;
      readonly problem?: never;
    }
  | { readonly urls?: never; readonly facts?: never; readonly problem: string };

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
    const facts = new Map<string, DefendFacts>();
    for (const name of zip.files.keys()) {
      if (/\.json$|^[^.]*$/.test(name)) {
        collect(parseWrapped((await zip.read(name)).toString('utf8')), facts, 0);
      }
    }
    const urls = [...facts.keys()];
    if (urls.length === 0) {
      return { problem: 'has no JSON with a relative_url in it' };
    }
    const odd = urls.find((url) => !/^(?!.*\/[./])\/downloads\/[\w./+-]+$/.test(url));
    return odd === undefined
      ? { urls, facts }
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

const collect = (value: unknown, found: Map<string, DefendFacts>, depth: number): void => {
  if (typeof value !== 'object' || value === null || depth > 12) {
    return;
  }
  for (const [key, child] of Object.entries(value)) {
    if (key === 'relative_url' && typeof child === 'string') {
      found.set(child, readFacts(value as Readonly<Record<string, unknown>>));
    } else {
      collect(typeof child === 'string' ? parseWrapped(child) : child, found, depth + 1);
    }
  }
};

/** `encoded_…` is the file as it is downloaded; `decoded_…` is what endpoints make of it. */
const readFacts = ({
  encoded_size: size,
  encoded_sha256: sha256,
}: Readonly<Record<string, unknown>>): DefendFacts => ({
  ...(typeof size === 'number' ? { size } : {}),
  ...(typeof sha256 === 'string' && /^[0-9a-f]{64}$/i.test(sha256) ? { sha256: sha256.toLowerCase() } : {}),
});

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
