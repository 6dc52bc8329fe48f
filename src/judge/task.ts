import type { SignatureTrust } from './signature.ts';
import type { ArchiveLimits, PackageRef } from '../source/source.ts';
import type { PackageRecord } from '../search/record.ts';

/** The rules that packages are judged by; they belong to what is remembered of a package. */
export interface JudgeRules {
  readonly limits: ArchiveLimits;
  /** False admits what breaks the rules of validity, as `-disable-package-validation` asks. */
  readonly validate: boolean;
  /** What is asked of signatures. */
  readonly signatures: SignatureTrust;
}

/** A package to be judged. */
export interface Candidate {
  readonly ref: PackageRef;
  /** What its content was when it was judged before; if it still is that, nothing is judged again. */
  readonly digest: string | undefined;
}

/** What a reader process is told: the rules first, then candidates. */
export type ToReader = { readonly rules: JudgeRules } | { readonly candidate: Candidate };

/**
 * That its code is loaded, then its answers, in the order of the candidates. `fault` is a fault of the program with one package,
 * `missing` says which part of the program isn't there.
 */
export type FromReader =
  | { readonly isLoaded: true }
  | { readonly judged: JudgedPackage }
  | { readonly missing: string }
  | { readonly fault: string };

/** What a reader found of one package. Plain data, which crosses from process to process. */
export interface JudgedPackage {
  /** True where the content is that of the candidate's digest: what was known of it still holds, and nothing else is told. */
  readonly isSame: boolean;
  /** True where the file was changed since it was listed: nothing that is told of it counts. */
  readonly isChanged?: boolean;
  /** True where a file could not be read: that is the disk's fault or that of who may read it, and may pass while the file stays the same. */
  readonly isUnread?: boolean;
  /**
   * Of what the package holds and whether it is signed; undefined for one in quarantine, and where the source can't tell
   * without reading it all.
   */
  readonly digest: string | undefined;
  /** Undefined for a package in quarantine. */
  readonly found: FoundPackage | undefined;
  /** Why it is in quarantine; each names file and field. Empty for a package that is served. */
  readonly reasons: readonly string[];
  /** Worth a line in the log. */
  readonly warnings: readonly string[];
  /** When its signature has to be judged anew though nothing changes (milliseconds since 1970); `digest` covers it. */
  readonly until?: number;
}

/** A package that can be served, with its answers rendered. */
export interface FoundPackage {
  readonly record: PackageRecord;
  /** Its element of the `/search` answer: ASCII JSON, indented as it stands in the list. */
  readonly summary: Uint8Array;
  /** Its `/package` answer: ASCII JSON with a newline, gzipped. */
  readonly detail: Uint8Array;
}
