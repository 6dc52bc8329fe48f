import { readFile } from 'node:fs/promises';
import { DepotError } from '../../domain/errors.ts';
import { fileFault } from '../../files/file-fault.ts';
import type { Facts } from '../record/journal.ts';
import type { ReleaseAcquireDeps } from './deps.ts';
import { judgePlace } from './main-file.ts';
import { judgeBeside } from './judge.ts';
import { recordMain, recordSmall, targetOf } from './place.ts';
import type { PlannedGroup } from './plan.ts';
import { refuseOther } from './small-file.ts';

/** Facts of files that are here already, though nobody has noted them; undefined where they aren't good. */
export const checkInPlace = async (
  group: PlannedGroup,
  deps: ReleaseAcquireDeps,
): Promise<readonly Facts[] | undefined> => {
  const { main, before, kind, expected } = group;
  try {
    const beside = new Map<string, Buffer>();
    for (const file of group.beside.filter(({ state }) => state !== 'new')) {
      const body = await readFile(targetOf(file, deps));
      refuseOther(file, body);
      await judgeBeside(file.path, body, { ...deps, keys: deps.trust.armored() });
      beside.set(file.path, body);
    }
    const { content, signer } = await judgePlace(group, targetOf(main, deps), beside, deps);
    // Nothing but a digest vouches for these.
    const isVouched = kind === 'artifact' || expected !== undefined || main.locked !== undefined;
    if (!isVouched && before?.sha256 !== content.sha256) {
      return undefined;
    }
    const facts: Facts[] = [];
    for (const [path, body] of beside) {
      const file = group.beside.find((one) => one.path === path) ?? main;
      facts.push(await recordSmall(file, body, deps));
    }
    return [...facts, await recordMain(main, content, signer, deps)];
  } catch (error) {
    // One of them may be gone since the plan was made.
    const known = fileFault(error, targetOf(main, deps));
    if (!(known instanceof DepotError) || known.code === 'INTERRUPTED' || known.code === 'DISK_FULL') {
      throw known;
    }
    deps.onWarning(main.path, `the one that is here is fetched again: ${known.message}`);
    return undefined;
  }
};
