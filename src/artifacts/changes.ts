import type { Log } from '../telemetry/log.ts';
import type { Artifact, ArtifactPolicy } from './artifact.ts';
import type { ArtifactScan } from './scan.ts';

/** Whether anything that clients or people see has changed. */
export const isOther = (before: ArtifactScan, after: ArtifactScan): boolean =>
  before.keys.stamp !== after.keys.stamp ||
  before.artifacts.size !== after.artifacts.size ||
  JSON.stringify(before.faults) !== JSON.stringify(after.faults) ||
  [...after.artifacts].some(([path, { state, stamp, digest, signedBy, reasons, warnings }]) => {
    const old = before.artifacts.get(path);
    return (
      old?.state !== state ||
      old.stamp !== stamp ||
      old.digest !== digest ||
      old.signedBy !== signedBy ||
      old.reasons.join() !== reasons.join() ||
      old.warnings.join() !== warnings.join()
    );
  });

/** One line for each file whose fate has changed. */
export const announce = (
  before: ArtifactScan,
  after: ArtifactScan,
  policy: ArtifactPolicy,
  log: Log,
): void => {
  const known = new Set(before.faults.map(({ path, reason }) => `${path} ${reason}`));
  for (const { path, reason } of after.faults.filter((one) => !known.has(`${one.path} ${one.reason}`))) {
    log.warn(
      { 'event.action': 'artifact-refused', 'file.path': path },
      `${path} ${reason}; it is not served`,
    );
  }
  for (const artifact of after.artifacts.values()) {
    const { path, kind, state, reasons, warnings } = artifact;
    const old = before.artifacts.get(path);
    const isNews = old?.state !== state || old.reasons.join() !== reasons.join();
    if (state === 'quarantined' && isNews && kind !== 'sha512' && kind !== 'signature') {
      log.warn(
        { 'event.action': 'artifact-quarantined', 'file.path': path },
        `${path} ${reasons.join('; ')}; ${fateOf(artifact, policy)}`,
      );
    }
    if (old?.warnings.join() !== warnings.join() && warnings.length > 0) {
      log.warn({ 'event.action': 'artifact-warning', 'file.path': path }, `${path}: ${warnings.join('; ')}`);
    }
  }
};

const fateOf = ({ kind, awaitedUntil }: Artifact, policy: ArtifactPolicy): string => {
  if (policy === 'lenient' && kind !== 'key') {
    return 'it is served all the same (-artifact-policy lenient)';
  }
  return awaitedUntil === undefined
    ? 'clients get 404'
    : 'it was good before, so clients get 503 for five seconds and 404 then';
};
