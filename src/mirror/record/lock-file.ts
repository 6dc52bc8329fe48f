import { readFile } from 'node:fs/promises';
import { parseConstraint } from '../../domain/constraint.ts';
import { DepotError, messageOf } from '../../domain/errors.ts';
import { refuseNewer } from '../../domain/newer-format.ts';
import { errnoOf } from '../../domain/system-error.ts';
import { parseStrictVersion } from '../../domain/version.ts';
import { compareCandidates } from '../../distribution/candidate.ts';
import { isPackageName } from '../../distribution/parse-definition.ts';
import { formatLockedFile, readLockedFile, type LockedFile } from './locked-file.ts';

/** One package of a lock file. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  /** Of the archive, lower-case hex. */
  readonly sha256: string;
  readonly size: number;
  /** Fingerprint of the key that signed; absent where no signature was asked for. */
  readonly signer?: string;
  readonly signature?: { readonly sha256: string; readonly size: number };
  readonly source: string;
  /** The constraint for Kibana's version that the upstream listed; absent where it listed none, as for pins. */
  readonly kibana?: string;
  /** What it was when it came, where it was stripped and signed anew: `signer` is whose signature vouched for it. */
  readonly original?: Pick<LockedPackage, 'sha256' | 'size' | 'signer' | 'signature'>;
}

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
    .map(({ one }) => {
      const { name, version, sha256, size, signer, signature, source, kibana, original } = one;
      const ordered = {
        name,
        version,
        sha256,
        size,
        signer,
        signature: signature && { sha256: signature.sha256, size: signature.size },
        source,
        kibana,
        original: original && {
          sha256: original.sha256,
          size: original.size,
          signer: original.signer,
          signature: original.signature && {
            sha256: original.signature.sha256,
            size: original.signature.size,
          },
        },
      };
      return `    ${JSON.stringify(ordered)}`;
    });
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
  if (!isRecord(value)) {
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
  const seen = new Set<string>();
  const checked = (packages as unknown[]).map((one, index) => {
    const locked = readPackage(one);
    if (typeof locked === 'string') {
      return fail(`package ${index + 1}: ${locked}`);
    }
    const id = `${locked.name}-${locked.version}`;
    if (seen.has(id)) {
      return fail(`${id} is there twice`);
    }
    seen.add(id);
    return locked;
  });
  if (!Array.isArray(files) || files.length > 0 !== (version === lockVersions.files)) {
    return fail('files is no list, or the lockVersion is not that of a set with (2) or without (1) files');
  }
  const paths = new Set<string>();
  const lockedFiles = (files as unknown[]).map((one, index) => {
    const locked = readLockedFile(one);
    if (typeof locked === 'string') {
      return fail(`file ${index + 1}: ${locked}`);
    }
    if (paths.has(locked.path)) {
      return fail(`${locked.path} is there twice`);
    }
    paths.add(locked.path);
    return locked;
  });
  return {
    distribution,
    address,
    packages: checked,
    ...(lockedFiles.length > 0 ? { files: lockedFiles } : {}),
  };
}

function readPackage(value: unknown): LockedPackage | string {
  if (!isRecord(value)) {
    return 'it is no object';
  }
  const { name, version, source, kibana, original } = value;
  if (typeof name !== 'string' || !isPackageName(name)) {
    return 'the name is not proper';
  }
  if (typeof version !== 'string' || !parseStrictVersion(version)) {
    return 'the version is not proper';
  }
  const facts = readFacts(value);
  if (typeof facts === 'string') {
    return facts;
  }
  if (typeof source !== 'string' || !/^https?:/.test(source) || !URL.canParse(source)) {
    return 'the source is no address';
  }
  if (kibana !== undefined && (typeof kibana !== 'string' || !parseConstraint(kibana))) {
    return 'what it wants of Kibana is no version constraint';
  }
  const locked = { name, version, source, ...facts, ...(kibana === undefined ? {} : { kibana }) };
  if (original === undefined) {
    return locked;
  }
  const before = isRecord(original) ? readFacts(original) : 'it is no object';
  return typeof before === 'string' ? `the original: ${before}` : { ...locked, original: before };
}

/** Digest, size and signer of an archive. */
function readFacts(value: Record<string, unknown>): NonNullable<LockedPackage['original']> | string {
  const { sha256, size, signer, signature } = value;
  if (!isDigest(sha256) || !isSize(size)) {
    return 'sha256 or size is not proper';
  }
  if (signer !== undefined && (typeof signer !== 'string' || !/^([0-9A-F]{40}|[0-9A-F]{64})$/.test(signer))) {
    return 'the signer is no fingerprint';
  }
  let signed: LockedPackage['signature'];
  if (signature !== undefined) {
    if (!isRecord(signature) || !isDigest(signature['sha256']) || !isSize(signature['size'])) {
      return 'the signature is not proper';
    }
    signed = { sha256: signature['sha256'], size: signature['size'] };
  }
  return {
    sha256,
    size,
    ...(signer === undefined ? {} : { signer }),
    ...(signed ? { signature: signed } : {}),
  };
}

const isDigest = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
const isSize = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
