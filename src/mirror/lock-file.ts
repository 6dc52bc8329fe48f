import { readFile } from 'node:fs/promises';
import { DepotError } from '../domain/errors.ts';
import { parseStrictVersion } from '../domain/version.ts';
import { compareCandidates } from '../distribution/candidate.ts';
import { isPackageName } from '../distribution/parse-definition.ts';

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
  /** What it was when it came, where it was stripped and signed anew: `signer` is whose signature vouched for it. */
  readonly original?: Pick<LockedPackage, 'sha256' | 'size' | 'signer' | 'signature'>;
}

/** `distribution.lock`: a set, byte for byte. */
export interface LockFile {
  readonly distribution: string;
  /** Address of the registry, without userinfo. */
  readonly address: string;
  readonly packages: readonly LockedPackage[];
}

const lockVersion = 1;

/** JSON with one package a line, sorted, without times: the same set gives the same bytes, and a diff shows what changed. */
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
      const { name, version, sha256, size, signer, signature, source, original } = one;
      const ordered = {
        name,
        version,
        sha256,
        size,
        signer,
        signature: signature && { sha256: signature.sha256, size: signature.size },
        source,
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
  const head = `"lockVersion": ${lockVersion},\n  "distribution": ${JSON.stringify(lock.distribution)},\n  "address": ${JSON.stringify(lock.address)}`;
  return `{\n  ${head},\n  "packages": [${packages.length > 0 ? `\n${packages.join(',\n')}\n  ` : ''}]\n}\n`;
}

/** Reads a lock file; undefined where there is none. Throws DepotError LOCK_INVALID. */
export async function readLockFile(file: string): Promise<LockFile | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return undefined;
    }
    throw new DepotError('LOCK_INVALID', { file, reason: 'it cannot be read' }, error);
  }
  return parseLockFile(text, file);
}

/** Parses and checks a lock file's text; `file` is for messages. Throws DepotError LOCK_INVALID. */
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
  if (value['lockVersion'] !== lockVersion) {
    return fail(`its lockVersion is ${JSON.stringify(value['lockVersion'])}, known is ${lockVersion}`);
  }
  const { distribution, address, packages } = value;
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
  return { distribution, address, packages: checked };
}

function readPackage(value: unknown): LockedPackage | string {
  if (!isRecord(value)) {
    return 'it is no object';
  }
  const { name, version, source, original } = value;
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
  if (original === undefined) {
    return { name, version, source, ...facts };
  }
  const before = isRecord(original) ? readFacts(original) : 'it is no object';
  return typeof before === 'string'
    ? `the original: ${before}`
    : { name, version, source, ...facts, original: before };
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
