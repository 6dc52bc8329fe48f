import type { Deprecation } from './deprecation.ts';
import { decodeDeprecation } from './deprecation.ts';
import type { Fields } from './fields.ts';
import type { Image } from './image.ts';
import { decodeImages } from './image.ts';
import { ingestionMethod } from './ingestion-method.ts';
import type { Stream } from './stream.ts';
import { decodeStream } from './stream.ts';
import type { Variable } from './variable.ts';
import { decodeVariables } from './variable.ts';

/** Where an integration can run. */
export interface DeploymentModes {
  readonly default: { readonly enabled: boolean | undefined } | undefined;
  readonly agentless:
    | {
        readonly enabled: boolean;
        readonly is_default: boolean | undefined;
        readonly release: string | undefined;
      }
    | undefined;
}

/** One input of a policy template: of an input `type`, or from an input `package`. */
export interface PolicyTemplateInput {
  readonly type: string | undefined;
  readonly package: string | undefined;
  readonly vars: readonly Variable[] | undefined;
  readonly title: string | undefined;
  readonly description: string | undefined;
  /** As written: the defaults are those of a data stream's own streams. */
  readonly streams: readonly Stream[] | undefined;
  readonly template_path: string | undefined;
  readonly input_group: string | undefined;
  readonly deployment_modes: readonly string[] | undefined;
  readonly deprecated: Deprecation | undefined;
}

/** A policy template as the package answer shows it; the order of the fields is the answer's. */
export interface PolicyTemplate {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly data_streams: readonly string[] | undefined;
  readonly inputs: readonly PolicyTemplateInput[] | undefined;
  readonly multiple: boolean;
  readonly icons: readonly Image[] | undefined;
  readonly categories: readonly string[] | undefined;
  readonly screenshots: readonly Image[] | undefined;
  readonly readme: string | undefined;
  readonly type: string | undefined;
  readonly input: string | undefined;
  readonly ingestion_method: string | undefined;
  readonly template_path: string | undefined;
  readonly deployment_modes: DeploymentModes | undefined;
  readonly deprecated: Deprecation | undefined;
}

/** What a policy template's fields are completed with. */
export interface PolicyTemplateContext {
  /** `/package/{name}/{version}`. */
  readonly base: string;
  /** True for an input package: the templates of others have no ingestion method, their streams have. */
  readonly isInputPackage: boolean;
  hasFile(path: string): boolean;
}

/** The `policy_templates` of a manifest; undefined where there are none. */
export function decodePolicyTemplates(
  fields: Fields,
  context: PolicyTemplateContext,
): readonly PolicyTemplate[] | undefined {
  const list = fields.list('policy_templates').map((entry) => decodePolicyTemplate(entry, context));
  return list.length > 0 ? list : undefined;
}

function decodePolicyTemplate(
  fields: Fields,
  { base, isInputPackage, hasFile }: PolicyTemplateContext,
): PolicyTemplate {
  const name = fields.required('name');
  const input = fields.text('input') || undefined;
  const readme = `docs/${name}.md`;
  return {
    name,
    title: fields.required('title'),
    description: fields.required('description'),
    data_streams: some(fields.texts('data_streams')),
    inputs: some(fields.list('inputs').map(decodeInput)),
    multiple: fields.flag('multiple') ?? true,
    icons: decodeImages(fields, 'icons', base),
    // Unknown ones too: the reference drops them only from the package.
    categories: some(fields.texts('categories')),
    screenshots: decodeImages(fields, 'screenshots', base),
    // Where there is no such file the reference answers what the manifest says.
    readme: hasFile(readme) ? `${base}/${readme}` : fields.optional('readme'),
    type: fields.text('type') || undefined,
    input,
    ingestion_method:
      isInputPackage && input ? ingestionMethod(input) : fields.text('ingestion_method') || undefined,
    template_path: fields.text('template_path') || undefined,
    deployment_modes: decodeDeploymentModes(fields),
    deprecated: decodeDeprecation(fields),
  };
}

function decodeInput(fields: Fields): PolicyTemplateInput {
  const [type, source] = [fields.text('type') || undefined, fields.text('package') || undefined];
  if (!type === !source) {
    fields.invalid(`${fields.at} has ${type ? 'both type and package' : 'neither type nor package'}`);
  }
  return {
    type,
    package: source,
    vars: decodeVariables(fields),
    title: fields.text('title') || undefined,
    description: fields.text('description') || undefined,
    streams: some(fields.list('streams').map(decodeStream)),
    template_path: fields.text('template_path') || undefined,
    input_group: fields.text('input_group') || undefined,
    deployment_modes: some(fields.texts('deployment_modes')),
    deprecated: decodeDeprecation(fields),
  };
}

function decodeDeploymentModes(fields: Fields): DeploymentModes | undefined {
  const modes = fields.map('deployment_modes');
  const [standard, agentless] = [modes?.map('default'), modes?.map('agentless')];
  const release = agentless?.text('release') || undefined;
  if (agentless && release && release !== 'beta' && release !== 'ga') {
    agentless.invalid(`${agentless.name('release')} is "${release}", only beta and ga are known`);
  }
  return (
    modes && {
      default: standard && { enabled: standard.flag('enabled') },
      agentless: agentless && {
        enabled: agentless.flag('enabled') ?? false,
        is_default: agentless.flag('is_default'),
        release,
      },
    }
  );
}

/** An empty list is left out of the answer. */
const some = <T>(list: readonly T[]): readonly T[] | undefined => (list.length > 0 ? list : undefined);
