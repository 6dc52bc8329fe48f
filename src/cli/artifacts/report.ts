import type { Completeness } from '../../artifacts/completeness.ts';
import type { ArtifactStore } from '../../artifacts/store.ts';
import { countOf } from '../../domain/count.ts';
import type { Output } from '../output.ts';

/** What `--json` prints. */
export const jsonReport = (store: ArtifactStore, completeness: Completeness | undefined): object => ({
  ...store.report(),
  quarantine: store
    .list()
    .filter(({ state }) => state === 'quarantined')
    .map(({ path, reasons }) => ({ path, reasons })),
  ...(completeness ? { upgrade: completeness } : {}),
});

/** Shows what is in quarantine or can't be read. */
export const printQuarantine = (output: Output, store: ArtifactStore): void => {
  const { faults, trusted_keys: keys } = store.report();
  const broken = store
    .list()
    .filter(({ state, kind }) => state === 'quarantined' && kind !== 'sha512' && kind !== 'signature');
  for (const { path, reasons } of [
    ...broken,
    ...faults.map((fault) => ({ path: fault.path, reasons: [fault.reason] })),
  ]) {
    output.line(`${path} ${reasons.join('; ')}`);
  }
  if (keys === 0) {
    output.line(
      'There is no trusted key: signatures were checked for their form only (--keys, EPR_KEYS_PATH).',
    );
  }
};

/** Shows what is here of each version and platform. */
export const printReleases = (output: Output, store: ArtifactStore): void => {
  const { releases } = store.report();
  if (releases.length > 0) {
    output.table(
      ['version', 'platform', 'good', 'refused', 'agent', 'not here of the full set'],
      releases.map((one) => [
        one.version,
        one.platform,
        one.good,
        one.refused + one.unchecked,
        one.hasAgent ? 'yes' : 'NO',
        one.missing.join(' ') || '-',
      ]),
    );
  }
  const { good, quarantined } = store.report();
  output.line(
    `${countOf(good, 'file is', 'files are')} good, ${countOf(quarantined, 'is', 'are')} in quarantine`,
  );
};

/** Shows each requirement of an upgrade, what brings the missing ones, and the answer. */
export const printUpgrade = (output: Output, upgrade: Completeness): void => {
  output.table(
    ['', 'artifact', 'note'],
    upgrade.requirements.map(({ path, need, state, note }) => [
      state === 'good' ? 'ok' : `${state}${need === 'optional' ? ' (optional)' : ''}`,
      path,
      note,
    ]),
  );
  const commands = [...new Set(upgrade.requirements.flatMap((one) => one.commands))];
  if (commands.length > 0) {
    output.line('\nWhat is missing comes with these, on a machine that reaches the public address:');
    commands.forEach((command) => output.line(`  ${command}`));
  }
  output.line(
    `\n${upgrade.isComplete ? 'Yes' : 'No'}: agents on ${upgrade.platforms.join(', ')} can${upgrade.isComplete ? '' : 'not'} upgrade to ${upgrade.version} from here.`,
  );
};
