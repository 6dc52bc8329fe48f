import type { Version } from '../domain/version.ts';

/** What a client asks of `/search` or `/categories`, validated. Absent filters are undefined. */
export interface SearchQuery {
  readonly kibana: Version | undefined;
  readonly agent: Version | undefined;
  readonly category: string | undefined;
  readonly name: string | undefined;
  readonly type: string | undefined;
  readonly capabilities: readonly string[] | undefined;
  /** `major.minor`, as a version with patch 0. */
  readonly specMin: Version | undefined;
  readonly specMax: Version | undefined;
  readonly all: boolean;
  readonly prerelease: boolean;
  /** The filter of clients from before `prerelease` existed. */
  readonly experimental: boolean;
  /** All must match. */
  readonly discovery: readonly DiscoveryFilter[];
}

/** `fields:` matches when all declared fields are asked for, `datasets:` when one declared dataset is. */
export interface DiscoveryFilter {
  readonly kind: 'fields' | 'datasets';
  readonly values: ReadonlySet<string>;
}
