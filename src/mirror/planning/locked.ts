import type { HostPolicy } from '../../net/upstream-hosts.ts';
import { joinUrl } from '../../net/http.ts';
import type { LockFile } from '../record/lock-file.ts';
import type { WantedItem } from './plan.ts';

/**
 * The packages of a lock file with their addresses. `address` replaces the registry's own, for a set that is made again
 * from a mirror. A lock file has no passwords: they come from those of `known` that are of the same host. Throws DepotError
 * UPSTREAM_REDIRECT for a source on a host that isn't the upstream's.
 */
export function locateLocked(
  lock: LockFile,
  address: URL | undefined,
  policy: HostPolicy,
  known: readonly URL[] = [],
): WantedItem[] {
  const recorded = lock.address.replace(/\/+$/, '');
  return lock.packages.map((locked) => {
    const { name, version, source, kibana } = locked;
    const path = source.startsWith(`${recorded}/`)
      ? source.slice(recorded.length)
      : `/epr/${name}/${name}-${version}.zip`;
    const archiveUrl = address ? joinUrl(address, path) : new URL(source);
    const same = address ? undefined : known.find(({ origin }) => origin === archiveUrl.origin);
    if (same) {
      archiveUrl.username = same.username;
      archiveUrl.password = same.password;
    }
    const signatureUrl = new URL(archiveUrl);
    signatureUrl.pathname += '.sig';
    policy.check(address ?? new URL(lock.address), archiveUrl);
    return {
      id: `${name}-${version}`,
      name,
      version,
      archiveUrl,
      signatureUrl,
      locked,
      ...(kibana === undefined ? {} : { kibana }),
    };
  });
}
