import { parseYaml } from '../archive/yaml.ts';
import { decodeConditions } from '../domain/conditions.ts';
import { parseConstraint } from '../domain/constraint.ts';
import { expandDottedKeys } from '../domain/dotted-keys.ts';
import { readFields } from '../domain/fields.ts';
import { createProblemList } from '../domain/problem.ts';
import { isMap } from '../domain/tree.ts';
import { mapBounded } from '../source/bounded.ts';
import type { ArchiveLimits } from '../source/source.ts';
import { openZipPackage } from '../source/zip-package.ts';
import type { BundledFile } from './file-set.ts';

/** A bundle carries archives of any kind; these only keep the memory bounded while a manifest is read. */
const limits: ArchiveLimits = {
  maxEntries: 100_000,
  maxEntryBytes: 1024 ** 3,
  maxTotalBytes: 16 * 1024 ** 3,
  maxRatio: 1000,
  maxManifestBytes: 8 * 1024 * 1024,
};
const manifestName = 'manifest.yml';
const atOnce = 4;

/** Name and version of a package's archive at the top of a set; undefined for any other path. */
export const packageOfPath = (
  path: string,
): { readonly name: string; readonly version: string } | undefined => {
  const [, name, version] = /^([a-z0-9_]+)-(\d[^/]*)\.zip$/.exec(path) ?? [];
  return name === undefined || version === undefined ? undefined : { name, version };
};

/**
 * `conditions.kibana.version` of each package's archive, by path. Absent where the manifest has none or can't be read: whether
 * a package is any good is not for a bundle to say.
 */
export const kibanaConditions = async (
  files: readonly BundledFile[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, string>> => {
  const found = new Map<string, string>();
  const archives = files.filter((file) => packageOfPath(file.path) !== undefined);
  await mapBounded(archives, atOnce, async ({ path, location }) => {
    signal?.throwIfAborted();
    const condition = await readCondition(location).catch(() => undefined);
    if (condition !== undefined) {
      found.set(path, condition);
    }
  });
  return found;
};

const readCondition = async (location: string): Promise<string | undefined> => {
  const files = await openZipPackage(location, limits);
  try {
    const entry = files.entries.find((one) => one.path === manifestName);
    if (entry === undefined || entry.size > limits.maxManifestBytes) {
      return undefined;
    }
    const tree = expandDottedKeys(parseYaml(await files.read(manifestName)) ?? {});
    const fields = isMap(tree) ? readFields(tree, manifestName, createProblemList()) : undefined;
    const version = fields && decodeConditions(fields)?.kibana?.version;
    return version !== undefined && parseConstraint(version) ? version : undefined;
  } finally {
    await files.close();
  }
};
