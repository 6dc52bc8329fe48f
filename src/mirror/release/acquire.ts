import { digestOf } from '../../files/digest.ts';
import { DepotError } from '../../domain/errors.ts';
import type { ReleaseAcquireDeps } from './deps.ts';
import { fetchMain } from './main-file.ts';
import { filesOfGroup, isSmallKind } from './group.ts';
import { checkInPlace } from './in-place.ts';
import { isSignatureNeeded } from './keys.ts';
import { placeGroup, recordMain, type AcquiredGroup } from './place.ts';
import type { PlannedFile, PlannedGroup } from './plan.ts';
import { fetchBeside, acquireSmall } from './small-file.ts';

/**
 * Makes one group be there. Small files are fetched and judged first, so that nothing large is fetched in vain; everything
 * gets its name only when all of it is good. Throws DepotError; what was there before stays.
 */
export const acquireGroup = async (group: PlannedGroup, deps: ReleaseAcquireDeps): Promise<AcquiredGroup> => {
  if (group.fault) {
    throw group.fault;
  }
  const needsKey = group.kind === 'artifact' && isSignatureNeeded(group.main.path, deps);
  const { signer: vouching } = group.main.facts ?? {};
  // The plan doesn't know yet what the keys of `keys:` are worth, that this very run has asked for.
  const isVouchedFor = !needsKey || (vouching !== undefined && (await deps.isTrusted(vouching)));
  if (group.state === 'kept' && group.isFixed && isVouchedFor) {
    return keptGroup(group);
  }
  if (needsKey && deps.trust.armored().length === 0) {
    throw new DepotError('SIGNATURE_REFUSED', {
      file: `${group.main.path}.asc`,
      reason: 'there is no key to verify it with: the keyring is empty, and no key of `keys:` was accepted',
    });
  }
  if (group.state !== 'new' && group.isFixed) {
    const facts = await checkInPlace(group, deps);
    if (facts) {
      return { facts, fetched: [] };
    }
  }
  const beside = new Map<string, Buffer>();
  for (const file of group.beside) {
    const body = await fetchBeside(file, deps);
    if (body) {
      beside.set(file.path, body);
    }
  }
  if (isSmallKind(group.kind)) {
    return acquireSmall(group, deps);
  }
  const isSame = group.beside.every(
    ({ path, facts }) =>
      facts?.sha256 === (beside.has(path) ? digestOf(beside.get(path) as Buffer) : undefined),
  );
  if (group.state === 'kept' && isSame && isVouchedFor) {
    return keptGroup(group);
  }
  const { content, signer } = await fetchMain(group, beside, deps);
  const placed = await placeGroup(group, beside, deps);
  const facts = [...placed.facts, await recordMain(group.main, content, signer, deps)];
  return { facts, fetched: [...placed.fetched, group.main.path] };
};

const keptGroup = (group: PlannedGroup): AcquiredGroup => ({
  facts: (filesOfGroup(group) as readonly PlannedFile[]).flatMap(({ facts }) => facts ?? []),
  fetched: [],
});
