import { hash } from 'node:crypto';
import { parseYaml } from '../archive/yaml.ts';
import { expandDottedKeys } from '../domain/dotted-keys.ts';
import { DepotError } from '../domain/errors.ts';
import type { DefinedFields } from '../domain/field-definitions.ts';
import { readDefinedFields } from '../domain/field-definitions.ts';
import { isPrintedWithin } from '../domain/json.ts';
import type { ProblemList } from '../domain/problem.ts';
import type { Tree, TreeMap } from '../domain/tree.ts';
import { isMap } from '../domain/tree.ts';
import type { PackageFiles } from '../source/source.ts';
import type { ContentMemory, LearnedContent, Refusal } from './learned-content.ts';

/** Reads and parses the files of one package. What fails becomes a problem that names the file; undefined is answered. */
export interface ContentReader {
  /** A manifest: a mapping with its dotted keys expanded, shared with other packages. Failing is `broken`. */
  mapping(path: string, problems: ProblemList): Promise<TreeMap | undefined>;
  /** What a fields file defines. Failing is `invalid`. */
  fields(path: string, problems: ProblemList): Promise<DefinedFields | undefined>;
  /** An ingest pipeline, which must parse as a mapping. Failing is `invalid`. */
  pipeline(path: string, problems: ProblemList): Promise<void>;
  /** A file of any kind and size, which must be readable. Failing is `broken`, and false. */
  whole(path: string, problems: ProblemList): Promise<boolean>;
}

/** `maxBytes` bounds every file that is parsed. What was learned may be shared by all packages of one process. */
export function createContentReader(
  files: PackageFiles,
  maxBytes: number,
  learned: LearnedContent,
): ContentReader {
  const sizes = new Map(files.entries.map((entry) => [entry.path, entry.size]));
  const bound = (path: string): void => {
    const size = sizes.get(path) ?? 0;
    if (size > maxBytes) {
      throw new DepotError('LIMIT_EXCEEDED', {
        what: 'its size',
        value: `${size} bytes`,
        limit: `${maxBytes} (-max-manifest-size)`,
      });
    }
  };
  /** What was found of this content before, else of what it is now. Throws what reading throws. */
  const judge = async <T extends object>(
    known: ContentMemory<T>,
    path: string,
    decide: (bytes: Buffer) => T,
  ): Promise<T> => {
    // The deflated bytes tell as much as what they unpack to, and most of them are known.
    const deflated = await files.readDeflated(path);
    const unread = deflated ? undefined : await files.read(path);
    const key = deflated
      ? `${hash('sha256', deflated.bytes, 'base64')} ${deflated.size} ${deflated.crc32}`
      : hash('sha256', unread ?? '', 'base64');
    const before = known.get(key);
    if (before) {
      return before;
    }
    const bytes = unread ?? (await files.read(path));
    const found = decide(bytes);
    known.set(key, found, bytes.length);
    return found;
  };
  /** The same for what is parsed: what fails is the reason. */
  const judgeParsed = async <T extends object>(
    known: ContentMemory<T | Refusal>,
    path: string,
    decide: (bytes: Buffer) => T | Refusal,
  ): Promise<T | Refusal> => {
    try {
      bound(path);
      return await judge(known, path, (bytes) => settle(() => decide(bytes)));
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
      const found = await judgeParsed(learned.mappings, path, decideMapping);
      if ('reason' in found) {
        problems.broken(path, found.reason);
        return undefined;
      }
      return found.tree;
    },
    fields: async (path, problems) => {
      const found = await judgeParsed(learned.fields, path, decideFields);
      if ('reason' in found) {
        problems.invalid(path, found.reason);
        return undefined;
      }
      return found.fields;
    },
    pipeline: async (path, problems) => {
      const known = path.endsWith('.json') ? learned.jsonPipelines : learned.yamlPipelines;
      const found = await judgeParsed(known, path, (bytes) => decidePipeline(path, bytes));
      if ('reason' in found) {
        problems.invalid(path, found.reason);
      }
    },
    whole: async (path, problems) => {
      try {
        await judge(learned.whole, path, () => ({}));
        return true;
      } catch (error) {
        problems.broken(path, reasonOf(error));
        return false;
      }
    },
  };
}

const maxAnswer = 16 * 1024 * 1024;

function decideMapping(bytes: Buffer): { readonly tree: TreeMap } | Refusal {
  const tree = expandDottedKeys(parseYaml(bytes, { textKeys: true }) ?? {});
  if (!isMap(tree)) {
    return { reason: 'is no YAML mapping' };
  }
  return isPrintedWithin(tree, maxAnswer)
    ? { tree }
    : { reason: `has too many values, or too deep ones: its answer would be above ${maxAnswer} bytes` };
}

function decideFields(bytes: Buffer): { readonly fields: DefinedFields } | Refusal {
  const fields = readDefinedFields(parseYaml(bytes));
  return fields ? { fields } : { reason: 'is no YAML list of fields' };
}

function decidePipeline(path: string, bytes: Buffer): object | Refusal {
  const tree = path.endsWith('.json') ? (JSON.parse(bytes.toString('utf8')) as Tree) : parseYaml(bytes);
  return isMap(tree) || tree === null ? {} : { reason: 'is no ingest pipeline: a mapping is wanted' };
}

function settle<T>(decide: () => T): T | Refusal {
  try {
    return decide();
  } catch (error) {
    return { reason: reasonOf(error) };
  }
}

/** Faults of a package are data; anything else goes up: ours, and those of the disk that it lies on. */
function reasonOf(error: unknown): string {
  if (error instanceof DepotError && error.code !== 'FILE_UNREADABLE') {
    return error.message;
  }
  if (error instanceof SyntaxError) {
    return `is no JSON: ${error.message}`;
  }
  throw error;
}
