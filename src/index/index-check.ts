import { digestPackage } from '../judge/content-digest.ts';
import { judgeSignature, type SignatureTrust } from '../judge/signature.ts';
import type { PackageRef, PackageSource, SourceProblem } from '../source/source.ts';
import type { IndexCache, ReadIndex } from './index-cache.ts';
import type { KnownPackage } from './known-package.ts';
import { portableStamp, stampOf } from './known-package.ts';

/** A package that the next start would look into. */
export interface StalePackage {
  readonly label: string;
  readonly why: string;
  /** True where only its file is another one: its content is compared, and it is not judged again. */
  readonly isSame: boolean;
}

/** How a kept index would serve the next start. */
export interface IndexCheck {
  readonly index: ReadIndex;
  /** Packages that are there now. */
  readonly found: number;
  readonly stale: readonly StalePackage[];
  /** Labels are gone with the files: paths of packages that are in the index and no more in the package paths. */
  readonly removed: readonly string[];
  readonly problems: readonly SourceProblem[];
}

/** Reads the file and lists the package paths. Nothing is judged and nothing is written. */
export async function checkIndex(
  cache: IndexCache,
  source: PackageSource,
  trust: SignatureTrust,
): Promise<IndexCheck> {
  const [index, listing] = [await cache.read(), await source.list()];
  const known = index.known ?? new Map<string, KnownPackage>();
  const stale: StalePackage[] = [];
  for (const ref of listing.refs) {
    const before = known.get(ref.path);
    if (before?.stamp !== stampOf(ref)) {
      const isSame = before?.digest !== undefined && (await digestOf(ref, trust)) === before.digest;
      stale.push({
        label: ref.label,
        why: before ? explain(before.stamp, stampOf(ref)) : 'it is new',
        isSame,
      });
    }
  }
  const there = new Set(listing.refs.map(({ path }) => path));
  const removed = [...known.keys()].filter((path) => !there.has(path));
  return { index, found: listing.refs.length, stale, removed, problems: listing.problems };
}

const digestOf = async (ref: PackageRef, trust: SignatureTrust): Promise<string | undefined> =>
  digestPackage(ref, await judgeSignature(ref, trust));

// The parts of a file's stamp in their order.
const partNames = ['size', 'time of change', 'time of status change', 'inode'];

/** What is another between two stamps, as a clause. */
function explain(before: string, after: string): string {
  if (before === portableStamp) {
    return 'it was indexed at another place';
  }
  const [file = '', signature = '', age] = before.split(' ');
  const [fileNow = '', signatureNow = ''] = after.split(' ');
  const reasons: string[] = [];
  const [parts, partsNow] = [file.split('-'), fileNow.split('-')];
  if (parts.length === partNames.length && partsNow.length === partNames.length) {
    const others = partNames.filter((_name, at) => parts[at] !== partsNow[at]);
    if (others.length > 0) {
      reasons.push(`another ${others.join(', ')}`);
    }
  } else if (file !== fileNow) {
    reasons.push('another size, time or number of its files');
  }
  if (signature !== signatureNow) {
    reasons.push(signature === '' ? 'it has a signature now' : 'another signature file');
  }
  if (age !== undefined && reasons.length === 0) {
    reasons.push('it was written to just before it was indexed');
  }
  return reasons.join('; ');
}
