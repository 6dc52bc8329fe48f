import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
// ajv knows the JSON Schema of OpenAPI 3.1 (draft 2020-12), which smaller validators don't.
import { Ajv2020 } from 'ajv/dist/2020.js';
import { load } from 'js-yaml';

type Tree = Readonly<Record<string, unknown>>;

/** An answer as it came over the wire; repeated headers are joined with a comma. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** openapi.yaml, ready to judge answers. */
export interface ApiDescription {
  /** Path templates of the registry, without those that live on another address. */
  readonly paths: readonly string[];
  /** Statuses that a GET of the path template may have. */
  statuses(path: string): readonly number[];
  /** Names of the query parameters of a path template. */
  queryParameters(path: string): readonly string[];
  /** What is wrong with the answer; empty where it agrees with the description. */
  judge(path: string, answer: Answer, method?: 'GET' | 'HEAD'): string[];
}

const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const tree = (value: unknown): Tree => (isTree(value) ? value : {});

const documentKeywords = ['components', 'openapi', 'info', 'servers', 'paths', 'tags', 'security', 'example'];

/** Keys as the steps of a JSON pointer that is used as a URI fragment. */
const step = (place: string, ...keys: string[]): string =>
  [place, ...keys.map((key) => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1')))].join(
    '/',
  );

/** Reads openapi.yaml at the root of the repository. Throws where a schema in it is not valid. */
export async function readApiDescription(): Promise<ApiDescription> {
  const document = tree(load(await readFile(join(process.cwd(), 'openapi.yaml'), 'utf8')));
  const ajv = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true });
  for (const keyword of documentKeywords) {
    ajv.addKeyword(keyword);
  }
  ajv.addSchema({ ...document, $id: 'api' });

  /** Follows a `$ref`, and says where it led: a place below `#`, for ajv. */
  const follow = (value: unknown, place: string): [Tree, string] => {
    const ref = tree(value)['$ref'];
    if (typeof ref !== 'string') {
      return [tree(value), place];
    }
    const target = ref.slice(2).split('/');
    return [tree(target.reduce<unknown>((at, key) => tree(at)[key], document)), ref.slice(1)];
  };

  const complaints = (value: unknown, place: string): string[] => {
    const validate = ajv.getSchema(`api#${place}`);
    if (validate === undefined) {
      throw new Error(`openapi.yaml has no schema at ${place}`);
    }
    return validate(value) === true ? [] : [ajv.errorsText(validate.errors ?? [], { dataVar: 'body' })];
  };

  const all = tree(document['paths']);
  const operation = (path: string): Tree => tree(tree(all[path])['get']);

  const judgeHeaders = (response: Tree, place: string, answer: Answer): string[] =>
    Object.entries(tree(response['headers'])).flatMap(([name, value]) => {
      const [header, at] = follow(value, step(place, 'headers', name));
      const got = answer.headers[name.toLowerCase()];
      if (got === undefined) {
        return header['required'] === true ? [`header ${name} is missing`] : [];
      }
      return complaints(got, step(at, 'schema')).map((text) => `header ${name}: ${got}: ${text}`);
    });

  const judgeBody = (response: Tree, place: string, answer: Answer, withBody: boolean): string[] => {
    const content = tree(response['content']);
    if (Object.keys(content).length === 0) {
      return [];
    }
    const type = (answer.headers['content-type'] ?? '').split(';')[0] ?? '';
    const key = type in content ? type : '*/*';
    if (!(key in content)) {
      return [`content type ${type}, expected ${Object.keys(content).join(' or ')}`];
    }
    if (!withBody || !('schema' in tree(content[key]))) {
      return [];
    }
    const text = answer.body.toString('utf8');
    const body: unknown = type === 'application/json' ? JSON.parse(text) : text;
    return complaints(body, step(place, 'content', key, 'schema'));
  };

  return {
    paths: Object.keys(all).filter((path) => !('servers' in tree(all[path]))),
    statuses: (path) => Object.keys(tree(operation(path)['responses'])).map(Number),
    queryParameters: (path) =>
      [operation(path)['parameters'] ?? []]
        .flat()
        .map((parameter) => follow(parameter, '')[0])
        .filter((parameter) => parameter['in'] === 'query')
        .map((parameter) => String(parameter['name'])),
    judge(path, answer, method = 'GET') {
      const status = String(answer.status);
      const place = step('', 'paths', path, 'get', 'responses', status);
      const [response, at] = follow(tree(operation(path)['responses'])[status], place);
      if (Object.keys(response).length === 0) {
        return [`status ${status} is not described`];
      }
      return [...judgeHeaders(response, at, answer), ...judgeBody(response, at, answer, method === 'GET')];
    },
  };
}

/** Asks with the path exactly as it is written: no client between that cleans it. */
export function ask(
  base: string,
  path: string,
  options: { readonly method?: string; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Answer> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, path, agent: false, ...options }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const headers = Object.fromEntries(
          Object.entries(incoming.headersDistinct).map(([name, values]) => [name, (values ?? []).join(', ')]),
        );
        resolve({ status: incoming.statusCode ?? 0, headers, body: Buffer.concat(chunks) });
      });
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}
