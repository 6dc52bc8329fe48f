import { isAbsolute, resolve } from 'node:path';
import { DepotError } from '../domain/errors.ts';
import { isThere } from '../files/place.ts';
import type { SignatureVerifier } from '../signing/signature.ts';
import { parseManifest, type BundleManifest } from './manifest.ts';
import { readVolumeHead, type VolumeHead } from './volume-head.ts';
import { maxVolumes, volumeLimits } from './volume.ts';

/** Who vouches for a bundle. */
export type BundleTrust =
  | { readonly state: 'signed'; readonly fingerprint: string; readonly signedAt: Date }
  | { readonly state: 'unsigned' };

/** A bundle whose list is trusted; its contents are not read yet. */
export interface Bundle {
  /** SHA-256 of the manifest. */
  readonly id: string;
  readonly manifest: BundleManifest;
  readonly trust: BundleTrust;
  /** In the order of their numbers. */
  readonly volumes: readonly VolumeHead[];
  /** Numbers of the volumes that were not given. */
  readonly absent: readonly number[];
}

/** How a bundle is judged. */
export interface BundlePolicy {
  readonly verifier: SignatureVerifier;
  /** Takes a bundle without a signature; one with a bad signature is refused all the same. */
  readonly allowUnsigned: boolean;
  /** Takes some volumes without the others (to check each alone). */
  readonly allowPartial: boolean;
}

/**
 * Opens the volumes of one bundle, in whatever order they are named, and judges the signature over the list.
 * Throws BUNDLE_VOLUMES (missing, twice, of two bundles), BUNDLE_UNSIGNED, BUNDLE_UNTRUSTED, BUNDLE_INVALID, FILE_FAILED.
 */
export const openBundle = async (
  files: readonly string[],
  policy: BundlePolicy,
  signal?: AbortSignal,
): Promise<Bundle> => {
  const heads: VolumeHead[] = [];
  for (const file of new Set(files.map((one) => (isAbsolute(one) ? one : resolve(one))))) {
    await refuseStem(file);
    heads.push(await readVolumeHead(file, signal));
  }
  const [first] = heads;
  if (first === undefined) {
    throw new DepotError('USAGE', { reason: 'name the file or the volumes of a bundle' });
  }
  heads.sort((a, b) => a.number - b.number);
  const absent = checkTogether(first, heads);
  const trust = await judge(first, policy);
  const manifest = parseManifest(first.manifest, first.file);
  if (manifest.volumes !== first.total) {
    throw new DepotError('BUNDLE_INVALID', {
      file: first.file,
      reason: `it says it is one of ${first.total} volumes, the manifest of ${manifest.volumes}`,
    });
  }
  if (absent.length > 0 && !policy.allowPartial) {
    throw new DepotError('BUNDLE_VOLUMES', {
      reason: `${absent.length === 1 ? 'volume' : 'volumes'} ${absent.join(', ')} of ${first.total} ${absent.length === 1 ? 'is' : 'are'} missing`,
    });
  }
  return { id: first.bundle, manifest, trust, volumes: heads, absent };
};

/** The name that `bundle create` was given is easily named again, but only its volumes are there. */
const refuseStem = async (file: string): Promise<void> => {
  if (!(await isThere(file)) && (await isThere(`${file}.001`))) {
    throw new DepotError('BUNDLE_VOLUMES', {
      reason: `there is no ${file}, but the first volume of such a bundle, ${file}.001`,
    });
  }
};

/** Returns the numbers that are absent. */
const checkTogether = (first: VolumeHead, heads: readonly VolumeHead[]): number[] => {
  const byNumber = new Map<number, VolumeHead>();
  for (const head of heads) {
    if (head.bundle !== first.bundle) {
      throw new DepotError('BUNDLE_VOLUMES', {
        reason: `${head.file} belongs to bundle ${head.bundle.slice(0, 16)}, ${first.file} to ${first.bundle.slice(0, 16)}`,
      });
    }
    const other = byNumber.get(head.number);
    if (other !== undefined) {
      throw new DepotError('BUNDLE_VOLUMES', {
        reason: `${other.file} and ${head.file} are both volume ${head.number}`,
      });
    }
    byNumber.set(head.number, head);
    if (head.total !== first.total) {
      throw new DepotError('BUNDLE_INVALID', {
        file: head.file,
        reason: `it says ${head.total} volumes, ${first.file} says ${first.total}`,
      });
    }
    if (!sameBytes(head.signature, first.signature)) {
      throw new DepotError('BUNDLE_INVALID', {
        file: head.file,
        reason: `its signature is not that of ${first.file}`,
      });
    }
  }
  // A number beyond any bundle's is refused with the manifest; here it must not make a list without end.
  const total = Math.min(first.total, maxVolumes);
  return Array.from({ length: total }, (_, at) => at + 1).filter((number) => !byNumber.has(number));
};

const judge = async (head: VolumeHead, policy: BundlePolicy): Promise<BundleTrust> => {
  const { file, signature, manifest } = head;
  if (signature === undefined || signature.length === 0) {
    if (policy.allowUnsigned) {
      return { state: 'unsigned' };
    }
    throw new DepotError('BUNDLE_UNSIGNED', { file });
  }
  if (signature.length > volumeLimits.signature) {
    throw new DepotError('BUNDLE_INVALID', { file, reason: 'the signature is absurdly long' });
  }
  const verdict = await policy.verifier.verify(manifest, signature.toString('utf8'));
  if (verdict.state !== 'good') {
    throw new DepotError('BUNDLE_UNTRUSTED', { file, reason: verdict.reason, state: verdict.state });
  }
  return { state: 'signed', fingerprint: verdict.fingerprint, signedAt: verdict.signedAt };
};

const sameBytes = (a: Buffer | undefined, b: Buffer | undefined): boolean =>
  a === undefined || b === undefined ? a === b : a.equals(b);
