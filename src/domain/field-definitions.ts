import type { Tree } from './tree.ts';
import { isMap } from './tree.ts';

/** The fields that every data stream defines, with the type that each must have. */
const requiredFields: ReadonlyMap<string, string> = new Map([
  ['data_stream.type', 'constant_keyword'],
  ['data_stream.dataset', 'constant_keyword'],
  ['data_stream.namespace', 'constant_keyword'],
  ['@timestamp', 'date'],
]);

/** Their names. */
export const requiredFieldNames: ReadonlySet<string> = new Set(requiredFields.keys());

/** The types that one fields file gives to the required fields; plain data, kept for files of the same content. */
export type DefinedFields = readonly (readonly [name: string, type: string])[];

/** What a fields file defines of the required fields; undefined if it is no list of fields. */
export function readDefinedFields(tree: Tree): DefinedFields | undefined {
  const found: [string, string][] = [];
  const walk = (list: readonly Tree[], prefix: string): boolean =>
    list.every((entry) => {
      if (!isMap(entry)) {
        return entry === null;
      }
      const name = prefix + (typeof entry['name'] === 'string' ? entry['name'] : '');
      if (requiredFields.has(name)) {
        found.push([name, typeof entry['type'] === 'string' ? entry['type'] : '']);
      }
      return Array.isArray(entry['fields']) ? walk(entry['fields'], `${name}.`) : true;
    });
  return tree === null || (Array.isArray(tree) && walk(tree, '')) ? found : undefined;
}

/** What the fields files of a data stream together lack, as clauses: "lacks the field @timestamp (date)". */
export function missingFields(defined: DefinedFields): string[] {
  return [...requiredFields].flatMap(([name, type]) => {
    const types = defined.filter(([field]) => field === name).map(([, given]) => given);
    if (types.includes(type)) {
      return [];
    }
    return types.length === 0
      ? [`lacks the field ${name} (${type})`]
      : [`the field ${name} is of type "${types[0]}", ${type} is wanted`];
  });
}
