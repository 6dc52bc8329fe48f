import type { AgentNeeds } from './agent-needs.ts';
import type { Conditions } from './conditions.ts';
import type { DataStream } from './data-stream.ts';
import type { Deprecation } from './deprecation.ts';
import type { Image } from './image.ts';
import type { DeploymentModes, PolicyTemplate } from './policy-template.ts';
import type { Variable } from './variable.ts';

/** A package that another one is built on. `version` is a constraint. */
export interface Requirement {
  readonly package: string;
  readonly version: string;
}

/** One package version as `/package/{name}/{version}/` answers it; the order of the fields is the answer's. */
export interface PackageInfo {
  readonly name: string;
  /** Undefined only where validation is off. */
  readonly title: string | undefined;
  readonly version: string;
  readonly release: string;
  readonly source: { readonly license: string | undefined } | undefined;
  readonly description: string;
  readonly type: string;
  readonly download: string;
  readonly path: string;
  readonly icons: readonly Image[] | undefined;
  readonly policy_templates_behavior: string | undefined;
  readonly conditions: Conditions | undefined;
  readonly owner: { readonly type: string | undefined; readonly github: string | undefined } | undefined;
  readonly categories: readonly string[] | undefined;
  readonly signature_path: string | undefined;
  readonly discovery:
    | {
        readonly fields: readonly { readonly name: string }[] | undefined;
        readonly datasets: readonly { readonly name: string }[] | undefined;
      }
    | undefined;
  readonly deprecated: Deprecation | undefined;
  readonly requires:
    | {
        readonly input: readonly Requirement[] | undefined;
        readonly content: readonly Requirement[] | undefined;
      }
    | undefined;
  readonly group: string | undefined;
  readonly format_version: string;
  readonly readme: string | undefined;
  readonly license: string;
  readonly screenshots: readonly Image[] | undefined;
  readonly assets: readonly string[] | undefined;
  readonly policy_templates: readonly PolicyTemplate[] | undefined;
  readonly data_streams: readonly DataStream[] | undefined;
  readonly vars: readonly Variable[] | undefined;
  readonly elasticsearch:
    | { readonly privileges: { readonly cluster: readonly string[] | undefined } | undefined }
    | undefined;
  readonly agent: AgentNeeds | undefined;
}

/** A policy template as `/search` shows it. */
export interface PolicyTemplateSummary {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly icons: readonly Image[] | undefined;
  readonly categories: readonly string[] | undefined;
  readonly deployment_modes: DeploymentModes | undefined;
  readonly data_streams: readonly string[] | undefined;
  readonly deprecated: Deprecation | undefined;
}

/** One element of the `/search` answer; the order of the fields is the answer's. */
export interface PackageSummary extends Omit<
  PackageInfo,
  | 'format_version'
  | 'readme'
  | 'license'
  | 'screenshots'
  | 'assets'
  | 'policy_templates'
  | 'data_streams'
  | 'vars'
  | 'elasticsearch'
  | 'agent'
> {
  readonly policy_templates: readonly PolicyTemplateSummary[] | undefined;
  readonly data_streams:
    | readonly {
        readonly type: string;
        readonly dataset: string;
        readonly title: string;
        readonly deprecated: Deprecation | undefined;
      }[]
    | undefined;
}

/** What `/search` shows of a package. */
export function summarise(info: PackageInfo): PackageSummary {
  return {
    name: info.name,
    title: info.title,
    version: info.version,
    release: info.release,
    source: info.source,
    description: info.description,
    type: info.type,
    download: info.download,
    path: info.path,
    icons: info.icons,
    policy_templates_behavior: info.policy_templates_behavior,
    policy_templates: info.policy_templates?.map((template) => ({
      name: template.name,
      title: template.title,
      description: template.description,
      icons: template.icons,
      categories: template.categories,
      deployment_modes: template.deployment_modes,
      data_streams: template.data_streams,
      deprecated: template.deprecated,
    })),
    conditions: info.conditions,
    owner: info.owner,
    categories: info.categories,
    signature_path: info.signature_path,
    discovery: info.discovery,
    data_streams: info.data_streams?.map(({ type, dataset, title, deprecated }) => ({
      type,
      dataset,
      title,
      deprecated,
    })),
    deprecated: info.deprecated,
    requires: info.requires,
    group: info.group,
  };
}
