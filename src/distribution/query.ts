import { parseLooseVersion } from '../domain/version.ts';
import type { Query } from './definition.ts';
import type { Complain } from './fields.ts';
import { readBoolean, readFields, readLimit, readText, unknownText } from './fields.ts';
import { nearestWord } from './suggestion.ts';
import type { YamlEntry, YamlNode } from './yaml-tree.ts';

const queryKeys = [
  'package',
  'all',
  'prerelease',
  'type',
  'kibana.version',
  'spec.min',
  'spec.max',
  'version.limit',
] as const;

const packageTypes: readonly string[] = ['integration', 'input', 'content'];

/** Reads the parameters of a query or of a row of the matrix. */
export function readQuery(node: YamlNode, complain: Complain): Query {
  const fields = readFields(node, 'a query', queryKeys, complain);
  const name = readParameter(fields.get('package'), complain);
  const type = readType(fields.get('type'), complain);
  const all = readBoolean(fields.get('all'), complain, true);
  const prerelease = readBoolean(fields.get('prerelease'), complain, true);
  const versionLimit = readLimit(fields.get('version.limit'), complain);
  const kibana = fields.get('kibana.version');
  const kibanaVersion = readParameter(kibana, complain);
  if (kibana && kibanaVersion !== undefined && !parseLooseVersion(kibanaVersion)) {
    complain(kibana.line, `'kibana.version' must be a version such as 9.2.0, not '${kibanaVersion}'`);
  }
  const specMin = readSpec(fields.get('spec.min'), complain);
  const specMax = readSpec(fields.get('spec.max'), complain);
  if (specMin !== undefined && specMax !== undefined && isAbove(specMin, specMax)) {
    const line = fields.get('spec.min')?.line ?? node.line;
    complain(line, `'spec.min' ${specMin} is above 'spec.max' ${specMax}, so no package would fit`);
  }
  return {
    ...(name === undefined ? {} : { package: name }),
    ...(all === undefined ? {} : { all }),
    ...(prerelease === undefined ? {} : { prerelease }),
    ...(type === undefined ? {} : { type }),
    ...(kibanaVersion === undefined ? {} : { kibanaVersion }),
    ...(specMin === undefined ? {} : { specMin }),
    ...(specMax === undefined ? {} : { specMax }),
    ...(versionLimit === undefined ? {} : { versionLimit }),
  };
}

/** The text of a parameter. An empty one says nothing, as to the public tool and to a registry. */
function readParameter(entry: YamlEntry | undefined, complain: Complain): string | undefined {
  return readText(entry, complain) || undefined;
}

/** A type of tomorrow is asked for as it is; one that is nearly a known one is a slip, and would find nothing. */
function readType(entry: YamlEntry | undefined, complain: Complain): string | undefined {
  const type = readParameter(entry, complain);
  if (entry && type !== undefined && !packageTypes.includes(type) && nearestWord(type, packageTypes)) {
    complain(entry.line, unknownText('type', type, packageTypes, entry.line));
  }
  return type;
}

/** Whether one `major.minor` is above another. */
function isAbove(a: string, b: string): boolean {
  const [major = 0, minor = 0] = a.split('.').map(Number);
  const [otherMajor = 0, otherMinor = 0] = b.split('.').map(Number);
  return major > otherMajor || (major === otherMajor && minor > otherMinor);
}

function readSpec(entry: YamlEntry | undefined, complain: Complain): string | undefined {
  const text = readParameter(entry, complain);
  if (!entry || text === undefined || /^\d+\.\d+$/.test(text)) {
    return text;
  }
  complain(entry.line, `'${entry.key}' must be major.minor such as 3.0, not '${text}'`);
  return undefined;
}
