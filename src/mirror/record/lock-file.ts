import { readFile } from 'node:fs/promises';
import { DepotError, messageOf } from '../../domain/errors.ts';
import { isObject } from '../../domain/json-tree.ts';
import { refuseNewer } from '../../domain/newer-format.ts';
import { errnoOf } from '../../domain/system-error.ts';
import { parseStrictVersion } from '../../domain/version.ts';
import { compareCandidates, idOf } from '../../distribution/candidate.ts';
import { formatLockedFile, readLockedFile, type LockedFile } from './locked-file.ts';
import { formatLockedPackage, readLockedPackage, type LockedPackage } from './locked-package.ts';

/** `distribution.lock`: a set, byte for byte. */
export interface LockFile {
  readonly distribution: string;
  /** Address of the registry, without userinfo. */
  readonly address: string;
  readonly packages: readonly LockedPackage[];
  /** Artifacts, keys, files of Elastic Defend, models, product docs; absent where there are none. */
  readonly files?: readonly LockedFile[];
}

/**
 * Version 2 has `files`; a set of packages alone is written as version 1, which older programs read. A lock file is always written
 * anew from what was checked, so a member that this program doesn't know is lost then: one that must not be gets a new version.
 */
const lockVersions = { packages: 1, files: 2 } as const;

/**
 * JSON with one package or file a line, sorted, without times: the same set gives the same bytes, and a diff shows what
 * changed.
 */
export function formatLockFile(lock: LockFile): string {
  const packages = lock.packages
    .map((one) => ({ one, parsed: parseStrictVersion(one.version) }))
    .toSorted((a, b) => {
      if (!a.parsed || !b.parsed) {
        return 0;
      }
      return compareCandidates({ ...a.one, parsed: a.parsed }, { ...b.one, parsed: b.parsed });
    })
    .map(({ one }) => `    ${formatLockedPackage(one)}`);
  const files = (lock.files ?? [])
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
    .map((file) => `    ${formatLockedFile(file)}`);
  const version = files.length > 0 ? lockVersions.files : lockVersions.packages;
  const head = `"lockVersion": ${version},\n  "distribution": ${JSON.stringify(lock.distribution)},\n  "address": ${JSON.stringify(lock.address)}`;
  const tail = files.length > 0 ? `,\n  "files": ${listOf(files)}` : '';
  return `{\n  ${head},\n  "packages": ${listOf(packages)}${tail}\n}\n`;
}

const listOf = (lines: readonly string[]): string =>
  lines.length > 0 ? `[\n${lines.join(',\n')}\n  ]` : '[]';

/** Reads a lock file; undefined where there is none. Throws DepotError LOCK_INVALID or FORMAT_NEWER. */
export async function readLockFile(file: string): Promise<LockFile | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') {
      return undefined;
    }
    throw new DepotError('LOCK_INVALID', { file, reason: `it cannot be read: ${messageOf(error)}` }, error);
  }
  return parseLockFile(text, file);
}

/** Parses and checks a lock file's text; `file` is for messages. Throws DepotError LOCK_INVALID or FORMAT_NEWER. */
export function parseLockFile(text: string, file: string): LockFile {
  const fail = (reason: string, cause?: unknown): never => {
    throw new DepotError('LOCK_INVALID', { file, reason }, cause);
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return fail('it is no JSON', error);
  }
  if (!isObject(value)) {
    return fail('it is no lock file');
  }
  const version = value['lockVersion'];
  refuseNewer(file, `lockVersion ${String(version)}`, `lockVersion ${lockVersions.files}`);
  if (version !== lockVersions.packages && version !== lockVersions.files) {
    return fail(`its lockVersion is ${JSON.stringify(version)}, known are 1 and 2`);
  }
  const { distribution, address, packages, files = [] } = value;
  if (typeof distribution !== 'string' || typeof address !== 'string' || !URL.canParse(address)) {
    return fail('distribution or address is missing');
  }
  if (!Array.isArray(packages)) {
    return fail('packages is no list');
  }
  const lockedPackages = readEach(packages, 'package', readLockedPackage, idOf, fail);
  if (!Array.isArray(files) || files.length > 0 !== (version === lockVersions.files)) {
    return fail('files is no list, or the lockVersion is not that of a set with (2) or without (1) files');
  }
  const lockedFiles = readEach(files, 'file', readLockedFile, ({ path }) => path, fail);
  return {
    distribution,
    address,
    packages: lockedPackages,
    ...(lockedFiles.length > 0 ? { files: lockedFiles } : {}),
  };
}

/** Reads a list of which each is there once. `read` says in words what is wrong with one. */
function readEach<Locked>(
  list: readonly unknown[],
  noun: string,
  read: (value: unknown) => Locked | string,
  nameOf: (locked: Locked) => string,
  fail: (reason: string) => never,
): readonly Locked[] {
  const seen = new Set<string>();
  return list.map((one, index) => {
    const locked = read(one);
    if (typeof locked === 'string') {
      return fail(`${noun} ${index + 1}: ${locked}`);
    }
    const name = nameOf(locked);
    if (seen.has(name)) {
      return fail(`${name} is there twice`);
    }
    seen.add(name);
    return locked;
  });
}
