import { isEmptyNode, readFields, readItems, readText, type Complain } from './fields.ts';
import type { YamlEntry, YamlNode } from './yaml-tree.ts';

/** What a definition asks for besides packages: what agents, fleet-server and Defend download. */
export interface WantedRelease {
  readonly artifacts: readonly WantedArtifacts[];
  /** Addresses by file name; an empty address is the public one of the agents' key. */
  readonly keys: Readonly<Record<string, string>>;
  /** Full fingerprints (upper-case hex) that a key's file may hold, by file name, where the definition pins it. */
  readonly fingerprints: Readonly<Record<string, readonly string[]>>;
  /** Versions of Elastic Defend. */
  readonly defend: readonly string[];
  readonly models: readonly string[];
  /** Versions (major.minor) of the product docs. */
  readonly docs: readonly string[];
  /** Addresses that replace the public ones. */
  readonly references: Readonly<Partial<Record<ReferenceName, string>>>;
}

/** Artifacts of some versions. What is left out means the default: the whole set, the archives that agents take. */
export interface WantedArtifacts {
  readonly versions: readonly string[];
  readonly platforms: readonly string[];
  readonly names?: readonly string[];
  readonly packages?: readonly ('tar.gz' | 'zip' | 'deb' | 'rpm' | 'msi')[];
}

/** Names of public places. */
export type ReferenceName = 'artifacts' | 'snapshots' | 'agentKey' | 'models' | 'productDocs';

/** Keys of a definition that this reads. */
export const releaseKeys = ['artifacts', 'keys', 'defend', 'models', 'docs', 'references'] as const;

const version = /^\d+\.\d+\.\d+(?:-SNAPSHOT|-(?:alpha|beta|rc)\d+)?(?:\+[0-9A-Za-z.]+)?$/;
const fileName = /^[A-Za-z0-9][\w.-]{0,100}$/;
const platforms = /^(?:linux|windows|darwin)-(?:x86_64|arm64|aarch64)$/;
const packageTypes = ['tar.gz', 'zip', 'deb', 'rpm', 'msi'] as const;

/** Reads the keys; undefined where none of them is there. */
export function readWantedRelease(
  fields: ReadonlyMap<string, YamlEntry>,
  complain: Complain,
): WantedRelease | undefined {
  if (!releaseKeys.some((key) => fields.has(key))) {
    return undefined;
  }
  const words = (key: string, form: RegExp, what: string): readonly string[] =>
    readWords(fields.get(key), form, what, complain);
  return {
    artifacts: readItems(fields.get('artifacts'), complain).map((node) => readArtifacts(node, complain)),
    ...readKeys(fields.get('keys'), complain),
    defend: words('defend', version, 'a version such as 9.2.1'),
    models: words('models', fileName, 'the name of a model such as elser_model_2_linux-x86_64'),
    docs: words(
      'docs',
      // Kibana asks for docs of another model than its own under VERSION--INFERENCE-ID.
      /^\d+\.\d+(?:--[\w.-]{1,100})?$/,
      'a version (major.minor) such as "9.2", in quotes',
    ),
    references: readReferences(fields.get('references'), complain),
  };
}

/** A list of texts, or one text alone. */
function readWords(
  entry: YamlEntry | undefined,
  form: RegExp,
  what: string,
  complain: Complain,
): readonly string[] {
  const nodes: readonly YamlNode[] =
    entry?.value.kind === 'scalar' && !isEmptyNode(entry.value) ? [entry.value] : readItems(entry, complain);
  return nodes.flatMap((node) => {
    const text = node.kind === 'scalar' ? node.text : '';
    if (form.test(text) && !text.includes('..')) {
      return [text];
    }
    complain(node.line, `'${text}' is not ${what}`);
    return [];
  });
}

function readArtifacts(node: YamlNode, complain: Complain): WantedArtifacts {
  const fields = readFields(
    node,
    'an item of artifacts',
    ['version', 'versions', 'platforms', 'names', 'packages'],
    complain,
  );
  const words = (
    key: 'version' | 'versions' | 'platforms' | 'names' | 'packages',
    form: RegExp,
    what: string,
  ) => readWords(fields.get(key), form, what, complain);
  const versions = [
    ...words('version', version, 'a version such as 9.2.1'),
    ...words('versions', version, 'a version such as 9.2.1'),
  ];
  const wantedPlatforms = words('platforms', platforms, 'a platform such as linux-x86_64');
  if (versions.length === 0 || wantedPlatforms.length === 0) {
    complain(node.line, "an item of artifacts needs 'version' and 'platforms'");
  }
  const packages = words('packages', /^(?:tar\.gz|zip|deb|rpm|msi)$/, `one of ${packageTypes.join(', ')}`);
  return {
    versions,
    platforms: wantedPlatforms,
    ...(fields.has('names') ? { names: words('names', fileName, 'the name of an artifact') } : {}),
    ...(fields.has('packages') ? { packages: packageTypes.filter((type) => packages.includes(type)) } : {}),
  };
}

function readKeys(
  entry: YamlEntry | undefined,
  complain: Complain,
): Pick<WantedRelease, 'keys' | 'fingerprints'> {
  const keys: Record<string, string> = {};
  const fingerprints: Record<string, readonly string[]> = {};
  for (const node of readItems(entry, complain)) {
    const fields =
      node.kind === 'scalar'
        ? undefined
        : readFields(node, 'a key', ['name', 'url', 'fingerprint'] as const, complain);
    const name = node.kind === 'scalar' ? node.text : readText(fields?.get('name'), complain);
    const url = readText(fields?.get('url'), complain) ?? '';
    if (name === undefined || !fileName.test(name)) {
      complain(node.line, 'a key needs a name, which becomes its file name');
    } else if (url === '' && name !== 'GPG-KEY-elastic-agent') {
      complain(
        node.line,
        `where is ${name}? A key needs a 'url'; only GPG-KEY-elastic-agent has one of its own`,
      );
    } else if (url !== '' && !isAddress(url)) {
      complain(node.line, `'${url}' is no http or https address`);
    } else {
      keys[name] = url;
      const pinned = readFingerprints(fields?.get('fingerprint'), complain);
      if (pinned.length > 0) {
        fingerprints[name] = pinned;
      }
    }
  }
  return { keys, fingerprints };
}

/** Full fingerprints as people write them, with or without spaces and colons; a key id is never enough. */
function readFingerprints(entry: YamlEntry | undefined, complain: Complain): readonly string[] {
  const form = /^(?:0x)?(?:[\s:]*[0-9A-Fa-f]){40}$|^(?:0x)?(?:[\s:]*[0-9A-Fa-f]){64}$/;
  return readWords(entry, form, 'a full fingerprint of 40 or 64 hex digits, in quotes', complain).map(
    (text) => text.replace(/^0x/, '').replace(/[\s:]/g, '').toUpperCase(),
  );
}

function readReferences(
  entry: YamlEntry | undefined,
  complain: Complain,
): Readonly<Partial<Record<ReferenceName, string>>> {
  const names = {
    artifacts: 'artifacts',
    snapshots: 'snapshots',
    'agent-key': 'agentKey',
    models: 'models',
    docs: 'productDocs',
  } as const;
  const references: Partial<Record<ReferenceName, string>> = {};
  if (!entry) {
    return references;
  }
  const fields = readFields(
    entry.value,
    'references',
    ['artifacts', 'snapshots', 'agent-key', 'models', 'docs'],
    complain,
  );
  for (const [key, field] of fields) {
    const text = readText(field, complain) ?? '';
    // The key alone is a file, whose address may be of any form.
    if (isAddress(text) && key !== 'agent-key' && /[?#]/.test(text)) {
      complain(field.line, `'${key}' must not have a query or a fragment`);
    } else if (isAddress(text)) {
      references[names[key]] = text;
    } else {
      complain(field.line, `'${key}' must be an http or https address`);
    }
  }
  return references;
}

/** A release that asks for nothing: what is there of one is no longer wanted. */
export const emptyRelease: WantedRelease = {
  artifacts: [],
  keys: {},
  fingerprints: {},
  defend: [],
  models: [],
  docs: [],
  references: {},
};

const isAddress = (text: string): boolean => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
