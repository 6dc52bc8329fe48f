import { countOf } from '../domain/count.ts';
import type { KnownPackages } from '../index/known-package.ts';
import type { JudgePool } from '../judge/pool.ts';
import type { KeyringState } from '../signing/keyring-state.ts';
import type { PackageRef, PackageSource } from '../source/source.ts';
import type { Log } from '../telemetry/log.ts';

/** What packages are found and judged by. */
interface Judging {
  readonly source: PackageSource;
  readonly pool: JudgePool;
}

const tagMark = /@[0-9a-f]{16}(?= young$|$)/;

/**
 * The same, but each look reads the keyring again, and where it is another one the signatures that were judged by the old
 * one are judged anew: a key that was removed, revoked or has expired stops counting while the server runs. The stamp of a
 * signature says by which keyring it was judged, so that a kept index holds for its own alone.
 */
export function followKeyring(
  { source, pool }: Judging,
  first: KeyringState,
  read: () => Promise<KeyringState>,
  log: Log,
): Judging {
  let current = first;
  const look = async (): Promise<void> => {
    const found = await read();
    if (found.tag !== current.tag) {
      log.info(
        { 'event.action': 'keyring-changed' },
        `the keyring has changed and holds ${countOf(found.keys.length, 'key')} now: signatures are checked again`,
      );
    }
    current = found;
  };
  const marked = (ref: PackageRef): PackageRef =>
    ref.signature === undefined
      ? ref
      : { ...ref, signature: { ...ref.signature, stamp: `${ref.signature.stamp}@${current.tag}` } };
  return {
    source: {
      ...source,
      list: async () => {
        await look();
        const { refs, problems } = await source.list();
        return { refs: refs.map(marked), problems };
      },
    },
    pool: {
      judge: (candidates, rules, report, options) =>
        pool.judge(
          candidates,
          { ...rules, signatures: { ...rules.signatures, keys: current.keys } },
          report,
          options,
        ),
    },
  };
}

/** What is known without the marks of keyrings, for a process that serves what another one has judged. */
export function withoutMarks(known: KnownPackages): KnownPackages {
  return new Map(
    [...known].map(([path, entry]) => [path, { ...entry, stamp: entry.stamp.replace(tagMark, '') }]),
  );
}
