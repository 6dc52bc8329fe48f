import { DepotError } from '../../domain/errors.ts';
import type { Action, Definition } from '../../distribution/definition.ts';
import { parseBytes } from '../../distribution/fields.ts';
import type { CheckLimits } from '../../mirror/checking/archive-check.ts';
import { defaultCheckLimits } from '../../mirror/checking/archive-check.ts';
import { readBaseAddress } from '../base-address.ts';
import type { OutgoingOptions } from '../outgoing-options.ts';

/** Flags of `sync`, as commander hands them over. */
export interface SyncOptions extends OutgoingOptions {
  readonly to?: string;
  readonly address?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly locked?: boolean;
  readonly lock?: string;
  readonly prune?: boolean;
  readonly partial?: boolean;
  readonly resignKey?: string;
  readonly passphraseFile?: string;
  readonly concurrency: string;
  readonly sizes: boolean;
  readonly requireSignature: boolean;
  readonly allowRedirectHost: readonly string[];
  readonly maxArchiveSize: string;
  readonly installed?: string;
  readonly kibanaApiKeyFile?: string;
  readonly artifactsTo?: string;
  /** No flag: see `listingOptions`. */
  readonly listOnly?: boolean;
}

/** A definition that says `print` and names no folder asks what there is, as the public tool does: nothing is fetched. */
export function listingOptions({ actions }: Definition, options: SyncOptions): SyncOptions {
  const { to, artifactsTo, dryRun } = options;
  const asksFolder = to !== undefined || artifactsTo !== undefined || dryRun === true;
  return !asksFolder && actions.length > 0 && actions.every(({ kind }) => kind === 'print')
    ? { ...options, dryRun: true, sizes: false, listOnly: true }
    : options;
}

/** The limits that archives are held to, with that of the flags. Throws DepotError USAGE. */
export function checkLimits(options: SyncOptions): CheckLimits {
  const maxBytes = parseBytes(options.maxArchiveSize);
  // A check holds a whole archive in memory: what is larger than a Buffer can't be taken.
  if (maxBytes === undefined || maxBytes > 2 ** 31) {
    throw new DepotError('USAGE', {
      reason: `--max-archive-size must be a size up to 2GiB, not '${options.maxArchiveSize}'`,
    });
  }
  return { ...defaultCheckLimits, maxBytes };
}

/** `--address` replaces both addresses: who points at a mirror means the archives too. */
export function downloadPlace(
  download: Action | undefined,
  address: URL,
  options: SyncOptions,
): { address: URL } | { bucket: URL } {
  if (download?.kind !== 'download' || options.address !== undefined) {
    return { address };
  }
  if (download.bucketUrl !== undefined) {
    return { bucket: readBaseAddress(download.bucketUrl, 'bucket_url') };
  }
  return { address: download.address === undefined ? address : readBaseAddress(download.address, 'address') };
}
