import type { DepotError } from '../../domain/errors.ts';
import type { Facts } from '../record/journal.ts';
import type { LockedPackage } from '../record/locked-package.ts';
import type { FileState, Surplus } from './compared-folder.ts';

/** A package that is wanted, and where it comes from. */
export interface WantedItem {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly archiveUrl: URL;
  readonly signatureUrl: URL;
  /** The upstream lists it without a signature. */
  readonly unsigned?: boolean;
  /** The constraint for Kibana's version, for the lock file. */
  readonly kibana?: string;
  /** With --locked: the bytes that it must be. */
  readonly locked?: LockedPackage;
}

/** A wanted package against what is there. */
export interface PlanItem extends WantedItem {
  readonly state: FileState;
  /** Bytes of the archive; undefined where the upstream doesn't say. */
  readonly size?: number;
  readonly facts?: Facts;
}

/** The wanted set against what is there. */
export interface Plan extends Surplus {
  readonly items: readonly PlanItem[];
  readonly problems: readonly WantedProblem[];
  /** Names that were asked for and nothing was found of. */
  readonly absent: readonly string[];
}

/** What is wanted and can't be had. */
export interface WantedProblem {
  readonly label: string;
  readonly reason: string;
  readonly error?: DepotError;
}
