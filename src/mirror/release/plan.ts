import type { WantedProblem } from '../planning/plan.ts';
import type { Facts } from '../record/journal.ts';
import type { LockedFile } from '../record/locked-file.ts';
import type { FileState, Surplus } from '../planning/compared-folder.ts';
import type { ReleaseFile, ReleaseGroup } from './group.ts';

/** A file against what is there. */
export interface PlannedFile extends ReleaseFile {
  readonly state: FileState;
  /** Bytes; undefined where the upstream doesn't say. */
  readonly size?: number;
  readonly facts?: Facts;
}

/** A group against what is there. */
export interface PlannedGroup extends ReleaseGroup {
  readonly state: FileState;
  readonly main: PlannedFile;
  readonly beside: readonly PlannedFile[];
  /** What the folder's lock file says of the main file. */
  readonly before?: LockedFile;
}

/** The wanted files against a folder. */
export interface ReleasePlan extends Surplus {
  readonly groups: readonly PlannedGroup[];
  readonly problems: readonly WantedProblem[];
}

/** Every planned file, in the order of the groups, each with what lies beside it. */
export const plannedFiles = (plan: ReleasePlan): readonly PlannedFile[] =>
  plan.groups.flatMap(({ main, beside }) => [main, ...beside]);

/** What a problem hides is not known to be unwanted: a manifest that can't be had takes its files along. */
export const isHidden = (path: string, problems: readonly WantedProblem[]): boolean =>
  problems.length > 0 && path.startsWith('downloads/endpoint/');
