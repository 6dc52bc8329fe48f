import { open, readFile } from 'node:fs/promises';
import { parseContentsPage, isContentsPage, type ListedFile } from '../../bundle/contents-page.ts';
import { packageOfPath } from '../../bundle/kibana-condition.ts';
import { parseManifest } from '../../bundle/manifest.ts';
import { readVolumeHead } from '../../bundle/volume-head.ts';
import { parseConstraint } from '../../domain/constraint.ts';
import { DepotError, messageOf } from '../../domain/errors.ts';
import { compareVersions, parseLooseVersion, parseStrictVersion } from '../../domain/version.ts';
import { parseLockFile } from '../../mirror/record/lock-file.ts';
import type { HttpClient } from '../../net/http.ts';
import { newestPackages, readAnswer, type NewestPackages } from './packages.ts';

/** What packages are compared with, and what else would come with them. */
export interface PlanUpstream {
  readonly newest: NewestPackages;
  /** Paths of artifacts, keys and the rest that are in it. */
  readonly paths: ReadonlySet<string>;
  /** What should be known of how the list was read. */
  readonly note?: string;
  /** How to bring in what is missing. */
  readonly commands: readonly string[];
}

const maxListBytes = 256 * 1024 * 1024;

const syncCommands = [
  'fleet-depot sync production --to /path/to/packages',
  'fleet-depot bundle create (and import, where there is no way out)',
];

/**
 * Reads what `--upstream` names: a registry's address, its saved answer, a bundle (or its first volume), a bundle's contents
 * page, or a lock file. Throws DepotError.
 */
export const readUpstream = async (
  place: string,
  stack: string,
  client: HttpClient,
): Promise<PlanUpstream> => {
  if (/^https?:\/\//.test(place)) {
    return {
      newest: await newestPackages(place, stack, client),
      paths: new Set(),
      commands: syncCommands,
    };
  }
  const bundleCommands = [
    `fleet-depot bundle verify ${place}`,
    `fleet-depot bundle import ${place} --into /path/to/depot`,
  ];
  if (await isTar(place)) {
    const { manifest, file } = await readVolumeHead(place);
    const { entries } = parseManifest(manifest, file);
    return { ...fromFiles(entries, 'bundle', stack), commands: bundleCommands };
  }
  const text = await readList(place);
  if (isContentsPage(text)) {
    const commands = bundleCommands.map((command) => command.replace(place, 'BUNDLE'));
    return { ...fromFiles(parseContentsPage(text, place), 'contents page', stack), commands };
  }
  if (/^\s*\{/.test(text)) {
    const { packages, files = [] } = parseLockFile(text, place);
    const archives = packages.map(({ name, version, kibana }) => ({
      path: `${name}-${version}.zip`,
      ...(kibana === undefined ? {} : { kibana }),
    }));
    const commands = [`fleet-depot sync DISTRIBUTION --to /path/to/packages --locked --lock ${place}`];
    return { ...fromFiles([...archives, ...files], 'lock file', stack), commands };
  }
  return { newest: readAnswer(text, place), paths: new Set(), commands: syncCommands };
};

/**
 * The newest release of each name that suits the stack; prereleases are left out, as `/search` does. A package that doesn't say
 * which Kibana it wants suits any. Where none says it, there is a note.
 */
const fromFiles = (
  files: readonly ListedFile[],
  what: string,
  stack: string,
): Pick<PlanUpstream, 'newest' | 'paths' | 'note'> => {
  const target = parseLooseVersion(stack);
  const newest = new Map<string, string>();
  for (const { path, kibana } of files) {
    const { name, version } = packageOfPath(path) ?? {};
    const parsed = version === undefined ? undefined : parseStrictVersion(version);
    if (name === undefined || version === undefined || !parsed || parsed.prerelease.length > 0) {
      continue;
    }
    if (kibana !== undefined && target && parseConstraint(kibana)?.test(target) !== true) {
      continue;
    }
    const before = parseStrictVersion(newest.get(name) ?? '');
    if (!before || compareVersions(before, parsed) < 0) {
      newest.set(name, version);
    }
  }
  const isSilent = files.every(({ kibana }) => kibana === undefined);
  return {
    newest,
    paths: new Set(files.map(({ path }) => path).filter((path) => path.includes('/'))),
    ...(isSilent
      ? {
          note: `this ${what} does not say which Kibana a package wants: its newest versions were compared`,
        }
      : {}),
  };
};

const isTar = async (place: string): Promise<boolean> => {
  const handle = await open(place).catch((error: unknown) => {
    throw unreadable(place, error);
  });
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(512), 0, 512, 0);
    // POSIX.1-1988: the magic of a tar header stands at byte 257.
    return bytesRead === 512 && buffer.toString('latin1', 257, 262) === 'ustar';
  } catch (error) {
    throw unreadable(place, error);
  } finally {
    await handle.close();
  }
};

const readList = async (place: string): Promise<string> => {
  const text = await readFile(place, 'utf8').catch((error: unknown) => {
    throw unreadable(place, error);
  });
  if (text.length > maxListBytes) {
    throw new DepotError('USAGE', { reason: `--upstream: ${place} is far too large for a list` });
  }
  return text;
};

const unreadable = (place: string, error: unknown): DepotError =>
  new DepotError('USAGE', { reason: `--upstream: ${place} cannot be read: ${messageOf(error)}` }, error);
