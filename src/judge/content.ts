import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import { parseYaml } from '../archive/yaml.ts';
import { DepotError } from '../domain/errors.ts';
import type { DefinedFields } from '../domain/field-definitions.ts';
import { readDefinedFields } from '../domain/field-definitions.ts';
import type { ProblemList } from '../domain/problem.ts';
import type { Tree, TreeMap } from '../domain/tree.ts';
import { expandDottedKeys, isMap } from '../domain/tree.ts';
import type { PackageFiles } from '../source/source.ts';
import { readPlainFields } from './plain-fields.ts';

/** Reads and parses the files of one package. What fails becomes a problem that names the file; undefined is answered. */
export interface ContentReader {
  /** A manifest: a mapping with its dotted keys expanded. Failing is `broken`. */
  mapping(path: string, problems: ProblemList): Promise<TreeMap | undefined>;
  /** What a fields file defines. Failing is `invalid`. */
  fields(path: string, problems: ProblemList): Promise<DefinedFields | undefined>;
  /** An ingest pipeline, which must parse as a mapping. Failing is `invalid`. */
  pipeline(path: string, problems: ProblemList): Promise<void>;
}

/** What was found of a file's content: its verdict, or the reason why it is refused. */
export type Verdict = { readonly fields: DefinedFields } | { readonly reason: string };

/**
 * Verdicts by kind and SHA-256 of the content. Most fields files and pipelines repeat from version to version, so each
 * content is judged once.
 */
export type VerdictCache = Map<string, Verdict>;

/** `maxBytes` bounds every file that is parsed. The cache may be shared by all packages of one thread. */
export function createContentReader(
  files: PackageFiles,
  maxBytes: number,
  cache: VerdictCache,
): ContentReader {
  const sizes = new Map(files.entries.map((entry) => [entry.path, entry.size]));
  const read = async (path: string): Promise<Buffer> => {
    const size = sizes.get(path) ?? 0;
    if (size > maxBytes) {
      throw new DepotError('LIMIT_EXCEEDED', {
        what: 'its size',
        value: `${size} bytes`,
        limit: `${maxBytes} (-max-manifest-size)`,
      });
    }
    return files.read(path);
  };
  const judge = async (kind: string, path: string, decide: (bytes: Buffer) => Verdict): Promise<Verdict> => {
    try {
      const bytes = await read(path);
      const key = `${kind} ${hash('sha256', bytes, 'base64')}`;
      const known = cache.get(key);
      if (known) {
        return known;
      }
      const verdict = settle(() => decide(bytes));
      cache.set(key, verdict);
      return verdict;
    } catch (error) {
      return { reason: reasonOf(error) };
    }
  };
  return {
    mapping: async (path, problems) => {
      if (!files.has(path)) {
        problems.broken(path, 'is missing from the package');
        return undefined;
      }
      try {
        const tree = expandDottedKeys((await read(path).then(parseYaml)) ?? {});
        if (isMap(tree)) {
          return tree;
        }
        problems.broken(path, 'is no YAML mapping');
      } catch (error) {
        problems.broken(path, reasonOf(error));
      }
      return undefined;
    },
    fields: async (path, problems) => {
      const verdict = await judge('fields', path, decideFields);
      if ('reason' in verdict) {
        problems.invalid(path, verdict.reason);
        return undefined;
      }
      return verdict.fields;
    },
    pipeline: async (path, problems) => {
      const verdict = await judge(path.endsWith('.json') ? 'json' : 'yaml', path, (bytes) =>
        decidePipeline(path, bytes),
      );
      if ('reason' in verdict) {
        problems.invalid(path, verdict.reason);
      }
    },
  };
}

function decideFields(bytes: Buffer): Verdict {
  const fields =
    (isUtf8(bytes) ? readPlainFields(bytes.toString()) : undefined) ?? readDefinedFields(parseYaml(bytes));
  return fields ? { fields } : { reason: 'is no YAML list of fields' };
}

function decidePipeline(path: string, bytes: Buffer): Verdict {
  const tree = path.endsWith('.json') ? (JSON.parse(bytes.toString('utf8')) as Tree) : parseYaml(bytes);
  return isMap(tree) || tree === null
    ? { fields: [] }
    : { reason: 'is no ingest pipeline: a mapping is wanted' };
}

function settle(decide: () => Verdict): Verdict {
  try {
    return decide();
  } catch (error) {
    return { reason: reasonOf(error) };
  }
}

/** Faults of a package are data; anything else is ours and goes up. */
function reasonOf(error: unknown): string {
  if (error instanceof DepotError) {
    return error.message;
  }
  if (error instanceof SyntaxError) {
    return `is no JSON: ${error.message}`;
  }
  throw error;
}
