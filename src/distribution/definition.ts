import type { NamePattern } from './name-pattern.ts';
import type { WantedRelease } from './wanted-release.ts';

/** Parameters of one `/search`. Absent means: not asked for; a query's value wins over its matrix row's. */
export interface Query {
  readonly package?: string;
  readonly all?: boolean;
  readonly prerelease?: boolean;
  readonly type?: string;
  readonly kibanaVersion?: string;
  readonly specMin?: string;
  readonly specMax?: string;
  /** Newest versions of each name to keep of this answer; 0 keeps all (the public tool's `version.limit`). */
  readonly versionLimit?: number;
}

/** A package and version that is wanted whatever the queries find. */
export interface Pin {
  readonly name: string;
  readonly version: string;
}

export type Action =
  | { readonly kind: 'print' }
  | {
      readonly kind: 'download';
      /** Folder as written, relative to where the command runs. */
      readonly destination?: string;
      /** Where archives come from instead of the definition's address. */
      readonly address?: string;
      /** A bucket with all archives in one folder, instead of `address`. */
      readonly bucketUrl?: string;
    };

/** Which packages are wanted and from where. Made by `parseDefinition`. */
export interface Definition {
  /** How people call it: the shipped name or the file's path. */
  readonly label: string;
  readonly address: string;
  readonly matrix: readonly Query[];
  readonly queries: readonly Query[];
  readonly packages: readonly Pin[];
  readonly actions: readonly Action[];
  readonly versionLimit: number;
  /** A candidate that matches none of these isn't taken; empty admits all. */
  readonly include: readonly NamePattern[];
  /** A candidate that matches one of these isn't taken; wins over `include`. */
  readonly exclude: readonly NamePattern[];
  /** Newest versions of each name for each Kibana of the matrix; 0 keeps all. */
  readonly keep: number;
  readonly dependencies: boolean;
  /** Take screenshots out of packages, which are then signed by the site key. */
  readonly stripScreenshots: boolean;
  /** A saved list or Kibana's address. */
  readonly installed?: string;
  /** Upper bound of all archives together, in bytes. */
  readonly maxSize?: number;
  /** Artifacts, keys, Defend's files, models and product docs. */
  readonly release?: WantedRelease;
}

/** The public registry, which the public tool's definitions mean when they name no address. */
export const defaultAddress = 'https://epr.elastic.co';
