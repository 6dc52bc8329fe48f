import type { Tree } from './tree.ts';
import { isMap } from './tree.ts';

/** The fields that every data stream defines, with the type that each must have. */
const requiredFields: ReadonlyMap<string, string> = new Map([
  ['data_stream.type', 'constant_keyword'],
  ['data_stream.dataset', 'constant_keyword'],
  ['data_stream.namespace', 'constant_keyword'],
  ['@timestamp', 'date'],
]);

/** The groups that required fields may lie in, as the reference looks for them: one level below the file's list. */
const fieldGroups: ReadonlySet<string> = new Set(['data_stream']);

/** An entry of a fields file. */
export interface DefinedField {
  /** Undefined for an entry without a name, at which the reference's search ends. */
  readonly name: string | undefined;
  /** Undefined where there is none, or an empty one. */
  readonly type: string | undefined;
  /** Of a group that required fields may lie in: its fields, undefined where it has no list of mappings. */
  readonly fields: DefinedFields | undefined;
}

/** What one fields file tells of the required fields, in its order; plain data, kept for files of the same content. */
export type DefinedFields = readonly DefinedField[];

/** Whether an entry tells something of required fields. */
function isTelling({ name }: DefinedField, group: string | undefined): boolean {
  return (
    name === undefined ||
    requiredFields.has(group === undefined ? name : `${group}.${name}`) ||
    (group === undefined && fieldGroups.has(name))
  );
}

/** What a fields file defines of the required fields; undefined if it is no list of fields. */
export function readDefinedFields(tree: Tree): DefinedFields | undefined {
  return tree === null ? [] : readEntries(tree, undefined);
}

function readEntries(list: Tree | undefined, group: string | undefined): DefinedFields | undefined {
  if (!Array.isArray(list)) {
    return undefined;
  }
  const found: DefinedField[] = [];
  for (const entry of list) {
    // At the top an empty entry is a field without a name; in a group it is no field.
    if (!isMap(entry) && (entry !== null || group !== undefined)) {
      return undefined;
    }
    const field = readEntry(entry ?? {}, group);
    if (isTelling(field, group)) {
      found.push(field);
    }
  }
  return found;
}

function readEntry(entry: Tree, group: string | undefined): DefinedField {
  const scalar = (key: string): string | undefined => {
    const value = isMap(entry) && Object.hasOwn(entry, key) ? entry[key] : undefined;
    if (value === undefined || isMap(value)) {
      return undefined;
    }
    // A list is neither the name nor the type of any field.
    return Array.isArray(value) ? '[]' : String(value);
  };
  const name = scalar('name');
  const isGroup = group === undefined && name !== undefined && fieldGroups.has(name);
  return {
    name,
    type: scalar('type') || undefined,
    fields: isGroup && isMap(entry) ? readEntries(entry['fields'], name) : undefined,
  };
}

/** What the fields files of a data stream together lack, as clauses: "lacks the field @timestamp (date)". */
export function missingFields(defined: DefinedFields): string[] {
  return [...requiredFields].flatMap(([name, wanted]) => {
    const type = findType(defined, name) ?? findInGroup(defined, name);
    if (type === wanted) {
      return [];
    }
    return type === undefined
      ? [`lacks the field ${name} (${wanted})${nameless(defined)}`]
      : [`the field ${name} is of type "${type}", ${wanted} is wanted`];
  });
}

/** As in the reference the first field of a name counts, and a field without a name ends the search. */
function findType(defined: DefinedFields, name: string): string | undefined {
  return findField(defined, name)?.type;
}

function findInGroup(defined: DefinedFields, name: string): string | undefined {
  const [group = '', inner] = name.split('.');
  const fields = inner === undefined ? undefined : findField(defined, group)?.fields;
  return fields && findType(fields, inner ?? '');
}

function findField(defined: DefinedFields, name: string): DefinedField | undefined {
  const found = defined.find((field) => field.name === undefined || field.name === name);
  return found?.name === undefined ? undefined : found;
}

const nameless = (defined: DefinedFields): string =>
  defined.some(({ name }) => name === undefined) ? '; a field without a name hides what follows it' : '';
