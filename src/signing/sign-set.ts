import { DepotError, messageOf } from '../domain/errors.ts';
import { refuseOddFile } from './archive-signature.ts';
import { resignArchive, signArchive } from './archive-signing.ts';
import { inspectStanding, type ArchiveStanding, type SignatureJudges } from './archive-standing.ts';
import type { Signer } from './signature.ts';

/** What became of one archive. Plain data. */
export interface SignedItem {
  readonly path: string;
  /** `already`: the site key's good signature was there. `refused`: nothing was tried. `pending`: a dry run would sign it. */
  readonly outcome: 'signed' | 'already' | 'pending' | 'refused' | 'failed';
  /** Whose signature vouched for it, where it was signed anew. */
  readonly originalSigner?: string;
  readonly reason?: string;
}

/** How a set is signed. */
export interface SignSetOptions {
  /** Sign anew what has another, verified signature; otherwise only what has none is signed. */
  readonly resign: boolean;
  /** Sign those that can be, though others are refused. */
  readonly partial: boolean;
  readonly signal: AbortSignal;
  /** Absent for a dry run. */
  readonly signer?: Signer | undefined;
  readonly judges: SignatureJudges;
  /** Throws for an archive that must not be signed because it is broken. */
  checkArchive(path: string): Promise<void>;
  /** Called once for each archive that was looked at, and once for each that is done. */
  onStep(phase: 'checked' | 'signed'): void;
}

type Plan = { readonly item: SignedItem; readonly standing?: ArchiveStanding };

/**
 * Signs a set of archives: all are looked at first, and where one is refused nothing is changed (unless `partial`).
 * What is signed already is left alone, so a run that was cut is simply started again. Stops between two archives when
 * `signal` is aborted: the rest stays `pending`.
 */
export const signSet = async (
  archives: readonly string[],
  options: SignSetOptions,
): Promise<readonly SignedItem[]> => {
  const plans: Plan[] = [];
  for (const archive of archives) {
    if (options.signal.aborted) {
      return plans.map(({ item }) => item);
    }
    plans.push(await planOne(archive, options));
    options.onStep('checked');
  }
  const refused = plans.some(({ item }) => item.outcome === 'refused' || item.outcome === 'failed');
  const { signer } = options;
  if (signer === undefined || (refused && !options.partial)) {
    return plans.map(({ item }) => item);
  }
  const items: SignedItem[] = [];
  for (const plan of plans) {
    items.push(
      plan.standing === undefined || options.signal.aborted
        ? plan.item
        : await signOne(plan.item, plan.standing, signer, options),
    );
    options.onStep('signed');
  }
  return items;
};

const planOne = async (path: string, options: SignSetOptions): Promise<Plan> => {
  try {
    await refuseOddFile(path);
    const standing = await inspectStanding(path, options.judges);
    if (standing.state === 'site-signed') {
      return { item: { path, outcome: 'already' } };
    }
    const reason = refusal(standing, options.resign);
    if (reason !== undefined) {
      return { item: { path, outcome: 'refused', reason } };
    }
    await options.checkArchive(path);
    const origin = standing.state === 'vouched' ? { originalSigner: standing.by } : {};
    return { item: { path, outcome: 'pending', ...origin }, standing };
  } catch (error) {
    // A broken keyring is no fault of this archive: it ends the run.
    if (error instanceof DepotError && (error.code === 'KEYRING_INVALID' || error.code === 'KEY_INVALID')) {
      throw error;
    }
    return { item: { path, outcome: 'failed', reason: reasonOf(error) } };
  }
};

const refusal = (standing: ArchiveStanding, resign: boolean): string | undefined => {
  if (standing.state === 'unsigned') {
    return resign
      ? 'it has no signature that vouches for it; if it is your own, sign it without --resign'
      : undefined;
  }
  if (standing.state === 'refused') {
    const { verdict } = standing;
    const why = verdict.state === 'good' ? 'good' : `${verdict.state}: ${verdict.reason}`;
    return resign
      ? `its signature can't be trusted (${why})`
      : `it has a signature already (${why}); if that is worthless, delete the .sig first`;
  }
  if (standing.state === 'vouched' && !resign) {
    return `it is signed by ${standing.by} already; --resign replaces that and keeps it beside`;
  }
  return undefined;
};

const signOne = async (
  item: SignedItem,
  standing: ArchiveStanding,
  signer: Signer,
  options: SignSetOptions,
): Promise<SignedItem> => {
  try {
    if (standing.state === 'vouched') {
      await resignArchive(standing, signer, options.judges);
    } else {
      await signArchive(standing.archive, signer);
    }
    return { ...item, outcome: 'signed' };
  } catch (error) {
    return { ...item, outcome: 'failed', reason: reasonOf(error) };
  }
};

// The path is the item's own: an error's text need not say it again.
const reasonOf = (error: unknown): string =>
  error instanceof DepotError ? String(error.details['reason'] ?? error.message) : messageOf(error);
