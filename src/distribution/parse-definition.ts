import { countOf } from '../domain/count.ts';
import { DepotError } from '../domain/errors.ts';
import { parseStrictVersion } from '../domain/version.ts';
import type { Action, Definition, Pin } from './definition.ts';
import { defaultAddress } from './definition.ts';
import type { Complain, Problem } from './fields.ts';
import {
  isEmptyNode,
  readBoolean,
  readBytes,
  readCount,
  readFields,
  readItems,
  readLimit,
  readText,
  unknownText,
} from './fields.ts';
import type { NamePattern } from './name-pattern.ts';
import { parseNamePattern } from './name-pattern.ts';
import { readQuery } from './query.ts';
import { readWantedRelease, releaseKeys } from './wanted-release.ts';
import type { YamlEntry, YamlNode } from './yaml-tree.ts';
import { parseYamlTree, YamlProblem } from './yaml-tree.ts';

const topKeys = [
  'address',
  'matrix',
  'queries',
  'packages',
  'actions',
  'version.limit',
  'include',
  'exclude',
  'keep',
  'dependencies',
  'installed',
  'max-size',
  'strip-screenshots',
  ...releaseKeys,
] as const;
/** Of a file that is something else altogether every line is wrong. */
const maxTold = 20;

/**
 * Reads a distribution definition. The format is that of the public distribution tool (address, version.limit, matrix,
 * queries, packages, actions), and ours on top. Throws DepotError DEFINITION_INVALID with every problem and its line.
 */
export function parseDefinition(text: string, label: string): Definition {
  const problems: Problem[] = [];
  const complain: Complain = (line, reason) => problems.push({ line, reason });
  let definition: Definition | undefined;
  try {
    const tree = parseYamlTree(text);
    if (!tree || isEmptyNode(tree)) {
      complain(1, 'the definition is empty: it needs queries, packages or installed');
    } else if (isLockFile(tree)) {
      complain(tree.line, `this is a lock file: name its definition, with --locked --lock ${label}`);
    } else {
      definition = readDefinition(tree, label, complain);
      // Where something is wrong already, that may be why.
      if (problems.length === 0 && asksNothing(definition)) {
        complain(
          tree.line,
          "nothing is asked for: add 'queries' (`- {}` asks for everything), 'packages' or 'installed'",
        );
      }
    }
  } catch (error) {
    if (!(error instanceof YamlProblem)) {
      throw error;
    }
    complain(error.line, error.message);
  }
  if (problems.length > 0 || !definition) {
    problems.sort((a, b) => a.line - b.line);
    const reason = problems
      .slice(0, maxTold)
      .map((one) => (/ at line \d/.test(one.reason) ? one.reason : `line ${one.line}: ${one.reason}`));
    if (problems.length > maxTold) {
      reason.push(`and ${countOf(problems.length - maxTold, 'more problem')}`);
    }
    throw new DepotError('DEFINITION_INVALID', { file: label, reason: reason.join('; ') });
  }
  return definition;
}

function readDefinition(tree: YamlNode, label: string, complain: Complain): Definition {
  const fields = readFields(tree, 'a definition', topKeys, complain);
  const queries = readItems(fields.get('queries'), complain).map((node) => readQuery(node, complain));
  const packages = readItems(fields.get('packages'), complain).flatMap((node) => readPin(node, complain));
  const installed = readInstalledPlace(fields.get('installed'), complain);
  const maxSize = readBytes(fields.get('max-size'), complain);
  const release = readWantedRelease(fields, complain);
  return {
    label,
    address: readAddress(fields.get('address'), complain) ?? defaultAddress,
    matrix: readItems(fields.get('matrix'), complain).map((node) => readQuery(node, complain)),
    queries,
    packages,
    actions: readItems(fields.get('actions'), complain).flatMap((node) => readAction(node, complain)),
    versionLimit: readLimit(fields.get('version.limit'), complain) ?? 0,
    include: readItems(fields.get('include'), complain).flatMap((node) => readPattern(node, complain)),
    exclude: readItems(fields.get('exclude'), complain).flatMap((node) => readPattern(node, complain)),
    keep: readCount(fields.get('keep'), complain) ?? 0,
    dependencies: readBoolean(fields.get('dependencies'), complain) ?? false,
    stripScreenshots: readBoolean(fields.get('strip-screenshots'), complain) ?? false,
    ...(installed === undefined ? {} : { installed }),
    ...(maxSize === undefined ? {} : { maxSize }),
    ...(release === undefined ? {} : { release }),
  };
}

/** Whether it is a `distribution.lock`, which is JSON and so YAML as well. */
const isLockFile = (tree: YamlNode): boolean =>
  tree.kind === 'mapping' && tree.entries.some(({ key }) => key === 'lockVersion');

const asksNothing = ({ queries, packages, installed, release }: Definition): boolean =>
  queries.length === 0 && packages.length === 0 && installed === undefined && !release;

function readInstalledPlace(entry: YamlEntry | undefined, complain: Complain): string | undefined {
  const place = readText(entry, complain);
  if (entry && place?.trim() === '') {
    complain(entry.line, "'installed' is empty: it is a file with a saved list, or Kibana's address");
    return undefined;
  }
  return place;
}

function readPin(node: YamlNode, complain: Complain): Pin[] {
  const fields = readFields(node, 'a package', ['name', 'version'], complain);
  const name = readText(fields.get('name'), complain);
  const version = readText(fields.get('version'), complain);
  if (name === undefined || version === undefined) {
    complain(node.line, 'a package needs name and version');
    return [];
  }
  if (!isPackageName(name)) {
    complain(node.line, `'${name}' is no package name: it has a-z, 0-9 and _`);
  }
  if (!parseStrictVersion(version)) {
    complain(node.line, `'${version}' is no package version such as 1.2.3`);
  }
  return [{ name, version }];
}

function readPattern(node: YamlNode, complain: Complain): NamePattern[] {
  let name: string | undefined;
  let range: string | undefined;
  if (node.kind === 'scalar') {
    name = node.text;
  } else {
    const fields = readFields(node, 'a pattern', ['name', 'version'], complain);
    name = readText(fields.get('name'), complain);
    range = readText(fields.get('version'), complain);
  }
  const pattern = name === undefined ? "a pattern needs a 'name'" : parseNamePattern(name, range);
  if (typeof pattern !== 'string') {
    return [pattern];
  }
  complain(node.line, pattern);
  return [];
}

function readAction(node: YamlNode, complain: Complain): Action[] {
  const entry = node.kind === 'mapping' && node.entries.length === 1 ? node.entries[0] : undefined;
  if (!entry) {
    complain(node.line, 'an action is one of `print:` and `download:`, each an item of its own');
    return [];
  }
  if (entry.key === 'print') {
    readFields(entry.value, 'print', [], complain);
    return [{ kind: 'print' }];
  }
  if (entry.key !== 'download') {
    complain(entry.line, unknownText('action', entry.key, ['print', 'download'], entry.line));
    return [];
  }
  // The public tool called the bucket `download_url` first, `bucket_url` later. Its guide showed `validate`, which it never
  // read: signatures are always checked.
  const fields = readFields(
    entry.value,
    'download',
    ['destination', 'address', 'bucket_url', 'download_url', 'validate'],
    complain,
  );
  readBoolean(fields.get('validate'), complain, true);
  const destination = readText(fields.get('destination'), complain);
  const address = readAddress(fields.get('address'), complain);
  const bucketUrl = readAddress(fields.get('bucket_url') ?? fields.get('download_url'), complain);
  return [
    {
      kind: 'download',
      ...(destination === undefined ? {} : { destination }),
      ...(address === undefined ? {} : { address }),
      ...(bucketUrl === undefined ? {} : { bucketUrl }),
    },
  ];
}

function readAddress(entry: YamlEntry | undefined, complain: Complain): string | undefined {
  const text = readText(entry, complain);
  if (!entry || text === undefined || text === '') {
    return undefined;
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    complain(entry.line, `'${entry.key}' must be an http or https address`);
  } else if (url.search || url.hash) {
    complain(entry.line, `'${entry.key}' must not have a query or a fragment`);
  }
  return text;
}

/** Names that may become part of a file's name. */
export function isPackageName(text: string): boolean {
  return /^[a-z0-9_]{1,200}$/.test(text);
}
