import { availableParallelism } from 'node:os';
import type { WantedRelease } from '../../distribution/wanted-release.ts';
import type { Layout } from '../../mirror/record/layout.ts';
import type { LockFile } from '../../mirror/record/lock-file.ts';
import { lockedGroups } from '../../mirror/release/locked.ts';
import { silentProgress } from '../../mirror/transfer/progress.ts';
import { createReleaseChecker } from '../../mirror/release/checker.ts';
import { addressesOf, refuseUnknown } from '../../mirror/release/files.ts';
import { createKeyTrust } from '../../mirror/release/keys.ts';
import { resolveRelease } from '../../mirror/release/resolve.ts';
import type { ReleaseDeps } from '../../mirror/release/deps.ts';
import { createHostPolicy } from '../../net/upstream-hosts.ts';
import { sortKeysLater } from '../../signing/sorted-keys.ts';
import { readRetryPolicy } from '../outgoing-options.ts';
import type { SyncPart } from './packages.ts';
import { createProgress } from './progress.ts';
import type { SyncRun } from './run.ts';

/** What brings artifacts, keys, files of Elastic Defend, models and docs. */
export async function openReleasePart(
  layout: Layout,
  release: WantedRelease,
  lock: LockFile | undefined,
  lockFile: string,
  run: SyncRun,
): Promise<SyncPart<ReleaseDeps>> {
  const { options, io, client } = run;
  refuseUnknown(release, run.definition.label);
  const keyUrls = Object.values(release.keys).filter((url) => url !== '');
  const lockedKeys = (lock?.files ?? []).filter(({ path }) => path.startsWith('keys/'));
  const addresses = [
    ...Object.values(addressesOf(release)),
    ...keyUrls,
    ...lockedKeys.map(({ source }) => source),
  ].map((url: string) => new URL(url));
  const policy = createHostPolicy(addresses, options.allowRedirectHost);
  const fetching = { client, policy, retry: readRetryPolicy(options), signal: io.signal };
  const keys = await readKeys(release, run);
  const checker = createReleaseChecker(Math.max(1, Math.min(4, availableParallelism() - 1)));
  const quiet = options.json === true || options.quiet === true || options.dryRun === true;
  return {
    deps: {
      ...fetching,
      layout,
      checker,
      trust: createKeyTrust(keys, release.fingerprints),
      sortedKeys: sortKeysLater(keys),
      progress: quiet ? silentProgress : createProgress(io.stderr, io.isTerminal, 'files'),
      resolve: async () =>
        lock
          ? { groups: lockedGroups(lock.files ?? [], release, lockFile), problems: [] }
          : await resolveRelease(release, fetching),
    },
    close: () => checker.close(),
  };
}

/**
 * The keyring. Where it is empty and the definition names no keys of its own, artifacts need Elastic's, which comes as for
 * packages. A dry run needs none.
 */
async function readKeys(
  release: WantedRelease,
  { trust, options, io, client }: SyncRun,
): Promise<readonly string[]> {
  const known = await trust.knownKeys({ ...options }, io);
  const isLacking =
    known.length === 0 && release.artifacts.length > 0 && Object.keys(release.keys).length === 0;
  return isLacking && options.requireSignature && options.dryRun !== true
    ? await trust.armoredKeys({ ...options }, io, client)
    : known;
}
