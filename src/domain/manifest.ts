import { decodeAgentNeeds } from './agent-needs.ts';
import { categories as knownCategories } from './categories.ts';
import { decodeConditions } from './conditions.ts';
import type { Fields } from './fields.ts';
import { decodeDeprecation } from './deprecation.ts';
import { decodeImages } from './image.ts';
import type { PackageInfo, Requirement } from './package.ts';
import { decodePolicyTemplates } from './policy-template.ts';
import { packageName, packagePath } from './reference.ts';
import { defaultRelease, isRelease } from './release.ts';
import { decodeVariables } from './variable.ts';
import type { Version } from './version.ts';
import { parseStrictVersion } from './version.ts';

/** No file system takes a longer one; each address of an answer has it. */
const maxNameLength = 255;

/** What the files of the package tell beside its manifest. */
export interface ManifestContext {
  hasFile(path: string): boolean;
  /** Told of each category that isn't known and so is dropped. */
  unknownCategory(category: string): void;
}

/** The part of a package that its root manifest tells: all but assets, data streams and signature. */
export interface DecodedManifest {
  readonly info: PackageInfo;
  readonly version: Version;
  /** `format_version`, undefined only where it is missing. */
  readonly format: Version | undefined;
}

/**
 * Decodes the root `manifest.yml`. Undefined when name or version can't be told; all other faults are problems of
 * `fields`. Unknown keys and newer format versions are accepted: a package of tomorrow must load today.
 */
export function decodeManifest(fields: Fields, context: ManifestContext): DecodedManifest | undefined {
  const name = fields.required('name');
  const versionText = fields.required('version');
  const version = parseStrictVersion(versionText);
  if (name !== '' && !packageName.test(name)) {
    fields.broken(`name is "${name}", a name has lower-case letters, digits and underscores`);
  }
  if (name.length > maxNameLength) {
    fields.broken(`name has ${name.length} characters, the limit is ${maxNameLength}`);
  }
  if (versionText !== '' && !version) {
    fields.broken(`version is "${versionText}", MAJOR.MINOR.PATCH is wanted`);
  }
  if (!version || !packageName.test(name) || name.length > maxNameLength) {
    return undefined;
  }
  for (const key of ['title', 'description']) {
    if (fields.text(key) === '') {
      fields.invalid(`${key} is missing or empty`);
    }
  }
  readReplaced(fields);
  const format = decodeFormat(fields);
  const release = fields.text('release') || defaultRelease(version);
  if (!isRelease(release)) {
    fields.broken(`release is "${release}", only experimental, beta and ga are known`);
  }
  const path = packagePath(name, versionText);
  const conditions = decodeConditions(fields);
  const hasReadme = context.hasFile('docs/README.md');
  if (!hasReadme) {
    fields.invalid('docs/README.md is missing from the package');
  }
  const info: PackageInfo = {
    name,
    title: fields.optional('title'),
    version: versionText,
    release,
    source: fields.map('source') && { license: fields.map('source')?.text('license') || undefined },
    description: fields.text('description'),
    type: fields.text('type') || 'integration',
    download: `/epr/${name}/${name}-${versionText}.zip`,
    path,
    icons: decodeImages(fields, 'icons', path),
    policy_templates_behavior: fields.text('policy_templates_behavior') || undefined,
    conditions,
    owner: decodeOwner(fields),
    categories: decodeCategories(fields, context),
    signature_path: undefined,
    discovery: decodeDiscovery(fields),
    deprecated: decodeDeprecation(fields),
    requires: decodeRequires(fields),
    group: fields.text('group') || undefined,
    format_version: fields.text('format_version'),
    readme: hasReadme ? `${path}/docs/README.md` : undefined,
    license: fields.text('license') || conditions?.elastic?.subscription || 'basic',
    screenshots: decodeImages(fields, 'screenshots', path),
    assets: undefined,
    policy_templates: decodePolicyTemplates(fields, {
      base: path,
      isInputPackage: fields.text('type') === 'input',
      hasFile: context.hasFile,
    }),
    data_streams: undefined,
    vars: decodeVariables(fields),
    elasticsearch: decodeElasticsearch(fields),
    agent: decodeAgentNeeds(fields),
  };
  return { info, version, format };
}

/** What the reference reads and then replaces by its own values must be what it wants nevertheless. */
function readReplaced(fields: Fields): void {
  for (const key of ['download', 'path', 'readme', 'signature_path']) {
    fields.text(key);
  }
  fields.texts('assets');
}

function decodeFormat(fields: Fields): Version | undefined {
  const text = fields.text('format_version');
  const format = parseStrictVersion(text);
  if (text === '') {
    fields.invalid('format_version is missing or empty');
  } else if (!format) {
    fields.invalid(`format_version is "${text}", MAJOR.MINOR.PATCH is wanted`);
  }
  return format;
}

function decodeCategories(fields: Fields, context: ManifestContext): readonly string[] | undefined {
  const listed = fields.texts('categories');
  const known = listed.filter((category) => knownCategories.has(category));
  for (const category of listed) {
    if (!knownCategories.has(category)) {
      context.unknownCategory(category);
    }
  }
  return known.length > 0 ? known : undefined;
}

function decodeOwner(fields: Fields): PackageInfo['owner'] {
  const owner = fields.map('owner');
  return owner && { type: owner.text('type') || undefined, github: owner.text('github') || undefined };
}

function decodeDiscovery(fields: Fields): PackageInfo['discovery'] {
  const discovery = fields.map('discovery');
  const names = (key: string): readonly { readonly name: string }[] | undefined => {
    const list = discovery?.list(key).map((entry) => ({ name: entry.required('name') })) ?? [];
    return list.length > 0 ? list : undefined;
  };
  const [declared, datasets] = [names('fields'), names('datasets')];
  return declared || datasets ? { fields: declared, datasets } : undefined;
}

function decodeRequires(fields: Fields): PackageInfo['requires'] {
  const requires = fields.map('requires');
  const list = (key: string): readonly Requirement[] | undefined => {
    const entries =
      requires
        ?.list(key)
        .map((entry) => ({ package: entry.required('package'), version: entry.required('version') })) ?? [];
    return entries.length > 0 ? entries : undefined;
  };
  return requires && { input: list('input'), content: list('content') };
}

function decodeElasticsearch(fields: Fields): PackageInfo['elasticsearch'] {
  const elasticsearch = fields.map('elasticsearch');
  const privileges = elasticsearch?.map('privileges');
  const cluster = privileges?.texts('cluster') ?? [];
  return elasticsearch && { privileges: privileges && { cluster: cluster.length > 0 ? cluster : undefined } };
}
