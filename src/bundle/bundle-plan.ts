import { DepotError } from '../domain/errors.ts';
import { digestOf } from '../files/digest.ts';
import { contentsPage } from './contents-page.ts';
import type { FileSet } from './file-set.ts';
import { contentsOf, formatManifest, type BundleManifest } from './manifest.ts';
import { receiptHas, type Receipt } from './receipt.ts';
import { divideIntoVolumes, maxVolumes, volumeLimits } from './volume.ts';

/** What goes into a bundle, and into which volume. */
export interface BundlePlan {
  readonly manifest: BundleManifest;
  /** The manifest as it is written. */
  readonly text: Buffer;
  /** The contents page, as it is written. */
  readonly page: Buffer;
}

/** What a bundle is made for. */
export interface BundleWishes {
  /** Contents that the receiver has are left out. */
  readonly since?: Receipt;
  /** Each volume stays below this; without it there is one. */
  readonly volumeBytes?: number;
}

/**
 * Decides what goes in and into which volume; `conditions` are what packages want of Kibana, by path. Throws BUNDLE_UNFIT where a
 * file fits into no volume, or there are too many of files or volumes.
 */
export const planBundle = (
  set: FileSet,
  conditions: ReadonlyMap<string, string>,
  { since, volumeBytes }: BundleWishes,
): BundlePlan => {
  const isKnown = (sha256: string): boolean => since !== undefined && receiptHas(since, sha256);
  // The lists name the volumes and the volumes carry the lists: measured with the longest number, they never grow.
  const longest = assemble(set, conditions, since, maxVolumes, (sha256) =>
    isKnown(sha256) ? 0 : maxVolumes,
  );
  const head = { manifest: longest.text.length, page: longest.page.length };
  const { volumes, numberOf } = divideIntoVolumes(contentsOf(longest.manifest), volumeBytes, head);
  if (volumes > maxVolumes) {
    throw new DepotError('BUNDLE_UNFIT', {
      reason: `the bundle would need ${volumes} volumes; take a larger --volume-size`,
    });
  }
  const plan = assemble(set, conditions, since, volumes, (sha256) => numberOf.get(sha256) ?? 0);
  if (plan.text.length > volumeLimits.manifest) {
    throw new DepotError('BUNDLE_UNFIT', {
      reason: `${set.files.length} files are more than one bundle's list can have (${volumeLimits.manifest} bytes); make one of a part of them`,
    });
  }
  return plan;
};

const assemble = (
  { source, files }: FileSet,
  conditions: ReadonlyMap<string, string>,
  since: Receipt | undefined,
  volumes: number,
  volumeOf: (sha256: string) => number,
): BundlePlan => {
  const parts = {
    ...(source ? { source } : {}),
    ...(since ? { base: { depot: since.depot, snapshot: since.snapshot } } : {}),
    volumes,
    entries: files.map(({ path, sha256, size }) => {
      const kibana = conditions.get(path);
      return { path, sha256, size, volume: volumeOf(sha256), ...(kibana === undefined ? {} : { kibana }) };
    }),
  };
  const page = Buffer.from(contentsPage(parts));
  const manifest = { ...parts, page: { sha256: digestOf(page), size: page.length } };
  return { manifest, text: Buffer.from(formatManifest(manifest)), page };
};
