import type { ArchiveLimits, PackageRef } from '../source/source.ts';
import type { PackageRecord } from '../search/record.ts';

/** The rules that packages are judged by; they belong to what is remembered of a package. */
export interface JudgeRules {
  readonly limits: ArchiveLimits;
  /** False admits what breaks the rules of validity, as `-disable-package-validation` asks. */
  readonly validate: boolean;
  /** True quarantines packages without a signature. */
  readonly requireSignature: boolean;
}

/** Some packages for one worker thread. */
export interface JudgeTask {
  readonly refs: readonly PackageRef[];
  readonly rules: JudgeRules;
}

/** What a worker found of one package. Buffers are moved between threads, not copied. */
export interface JudgedPackage {
  /** Undefined for a package in quarantine. */
  readonly found: FoundPackage | undefined;
  /** Why it is in quarantine; each names file and field. Empty for a package that is served. */
  readonly reasons: readonly string[];
  /** Worth a line in the log. */
  readonly warnings: readonly string[];
}

/** A package that can be served, with its answers rendered. */
export interface FoundPackage {
  readonly record: PackageRecord;
  /** Its element of the `/search` answer: ASCII JSON, indented as it stands in the list. */
  readonly summary: Uint8Array;
  /** Its `/package` answer: ASCII JSON with a newline, gzipped. */
  readonly detail: Uint8Array;
}
