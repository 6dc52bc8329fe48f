import type { Deprecation } from '../domain/deprecation.ts';
import type { PackageInfo } from '../domain/package.ts';

/** What searching needs of one package version. Plain JSON, so that it crosses threads and files as it is. */
export interface PackageRecord {
  readonly name: string;
  readonly version: string;
  readonly type: string;
  readonly release: string;
  /** `format_version` cut to `major.minor`; undefined where the manifest has none. */
  readonly format: string | undefined;
  /** Constraints as written. */
  readonly kibana: string | undefined;
  readonly agent: string | undefined;
  readonly capabilities: readonly string[];
  readonly categories: readonly string[];
  /** Policy templates in order, with the categories of their own. */
  readonly templates: readonly { readonly name: string; readonly categories: readonly string[] }[];
  /** Names that discovery declares; undefined where it declares none of that kind. */
  readonly discoveryFields: readonly string[] | undefined;
  readonly discoveryDatasets: readonly string[] | undefined;
  readonly deprecated: Deprecation | undefined;
  /** True where the answers name a signature, and so it is served. */
  readonly isSigned: boolean;
}

/** What searches ask of a package, out of its answer. */
export function createRecord(info: PackageInfo): PackageRecord {
  return {
    name: info.name,
    version: info.version,
    type: info.type,
    release: info.release,
    format: /^\d+\.\d+/.exec(info.format_version)?.[0],
    kibana: info.conditions?.kibana?.version,
    agent: info.conditions?.agent?.version,
    capabilities: info.conditions?.elastic?.capabilities ?? [],
    categories: info.categories ?? [],
    templates: (info.policy_templates ?? []).map(({ name, categories }) => ({
      name,
      categories: categories ?? [],
    })),
    discoveryFields: info.discovery?.fields?.map(({ name }) => name),
    discoveryDatasets: info.discovery?.datasets?.map(({ name }) => name),
    deprecated: info.deprecated,
    isSigned: info.signature_path !== undefined,
  };
}
