import { parseConstraint } from '../../domain/constraint.ts';
import { parseStrictVersion } from '../../domain/version.ts';
import { isObject } from '../../domain/json-tree.ts';
import { isPackageName } from '../../distribution/parse-definition.ts';
import { isAddress, isFingerprint, isHex, isSize } from './locked-values.ts';

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

/** One line of a lock file. */
export function formatLockedPackage(locked: LockedPackage): string {
  const { name, version, sha256, size, signer, signature, source, kibana, original } = locked;
  return JSON.stringify({
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
  });
}

/** Reads one entry; what is wrong with it, as text, where it is none. */
export function readLockedPackage(value: unknown): LockedPackage | string {
  if (!isObject(value)) {
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
  if (!isAddress(source)) {
    return 'the source is no address';
  }
  if (kibana !== undefined && (typeof kibana !== 'string' || !parseConstraint(kibana))) {
    return 'what it wants of Kibana is no version constraint';
  }
  const locked = { name, version, source, ...facts, ...(kibana === undefined ? {} : { kibana }) };
  if (original === undefined) {
    return locked;
  }
  const before = isObject(original) ? readFacts(original) : 'it is no object';
  return typeof before === 'string' ? `the original: ${before}` : { ...locked, original: before };
}

/** Digest, size and signer of an archive. */
function readFacts(value: Record<string, unknown>): NonNullable<LockedPackage['original']> | string {
  const { sha256, size, signer, signature } = value;
  if (!isHex(sha256, 64) || !isSize(size)) {
    return 'sha256 or size is not proper';
  }
  if (signer !== undefined && !isFingerprint(signer)) {
    return 'the signer is no fingerprint';
  }
  let signed: LockedPackage['signature'];
  if (signature !== undefined) {
    if (!isObject(signature) || !isHex(signature['sha256'], 64) || !isSize(signature['size'])) {
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
