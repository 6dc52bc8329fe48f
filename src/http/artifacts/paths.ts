import { agentKeyPath, mounts } from '../../artifacts/mounts.ts';
import { DepotError } from '../../domain/errors.ts';
import type { Step } from '../application.ts';
import { redirect } from '../redirect.ts';
import { readRequestPath } from '../request-path.ts';

/** fleet-server's address of the key, for whatever version. */
export const upgradeKeyPath = /^\/api\/agents\/upgrades\/[^/]{1,64}\/pgp-public-key$/;

const roots = Object.values(mounts);

/** Whether the artifact registry answers this address when it shares a listener with the packages. */
export const isArtifactRequest = (target: string, prefix: string): boolean => {
  const path = target.startsWith('/') ? target : target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '') || '/';
  const isOurs = (one: string): boolean =>
    one === agentKeyPath ||
    upgradeKeyPath.test(one) ||
    roots.some((root) => one.startsWith(root) || one === root.slice(0, -1));
  const plain = path.replace(/[?#].*$/s, '');
  const read = readRequestPath(path, prefix)?.path ?? plain;
  // By its beginning too: what climbs out of a folder of ours is refused by us, not sent on.
  return isOurs(read) || isOurs(plain) || (prefix !== '' && isOurs(plain.slice(prefix.length)));
};

const climbs = /(?:%2e|\.)(?:%2e|\.)(?:[/\\]|%2f|%5c|$)|%2f|%5c|\\/i;
// oxlint-disable-next-line no-control-regex
const oddSigns = /[\u0000-\u001f\u007f]|\/\./;

/**
 * Decodes the path once and takes the prefix off. Repeated slashes lead to the clean address; what climbs (`..`, also encoded),
 * is hidden or has odd signs is no address of anything here.
 */
export const artifactPath = (prefix: string): Step => {
  return (context, next) => {
    const target = context.req.url ?? '/';
    const read = readRequestPath(target, prefix);
    if (!read) {
      throw new DepotError('REQUEST_INVALID');
    }
    context.state.path = read.path;
    context.state.query = read.query;
    const raw = target.replace(/[?#].*$/s, '');
    if (climbs.test(raw) || oddSigns.test(read.path)) {
      throw new DepotError('ARTIFACT_UNKNOWN');
    }
    if (!read.isClean) {
      redirect(context, read.path, prefix);
      return;
    }
    return next(context);
  };
};
