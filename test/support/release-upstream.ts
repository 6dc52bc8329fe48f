import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { basename } from 'node:path';
import type { ExecutionContext } from 'ava';
import { makeKey, signWith, type MadeKey } from '../signing/made-keys.ts';
import { artifactBytes, sha512Line } from './release.ts';
import { buildZip } from './zip-builder.ts';

/** What goes wrong with a path; `times` limits how often. */
export interface ReleaseFault {
  readonly path: string;
  readonly times?: number;
  answer(request: IncomingMessage, response: ServerResponse, body: Buffer): void;
}

/** The public places of a release on one host: downloads, keys, models, product docs. */
export interface ReleaseUpstream {
  readonly url: string;
  readonly key: MadeKey;
  /** Files by path, `/downloads/…`; may be changed at any time. */
  readonly files: Map<string, Buffer>;
  /** `METHOD /path`; a Range is appended in brackets. */
  readonly requests: string[];
  /** Adds an artifact with `.sha512` and `.asc`; `path` is below `/downloads/`. */
  add(path: string, content?: Buffer, signer?: MadeKey): Promise<Buffer>;
  /** Adds a manifest of Elastic Defend and what it refers to. */
  addDefend(version: string, blobs: Readonly<Record<string, Buffer>>): void;
  /** Adds a model as Elasticsearch expects it. */
  addModel(name: string, content: Buffer): void;
  /** Adds the product docs of a version. */
  addDocs(version: string): void;
  addFault(fault: ReleaseFault): void;
}

/** Starts one on 127.0.0.1 (on `localhost` with TLS); it ends with the test. */
export const startReleaseUpstream = async (
  t: ExecutionContext,
  tls?: { readonly key: string; readonly cert: string },
): Promise<ReleaseUpstream> => {
  const files = new Map<string, Buffer>();
  const requests: string[] = [];
  const faults: { fault: ReleaseFault; left: number }[] = [];
  const key = await makeKey();
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const { pathname } = new URL(request.url ?? '/', 'http://upstream');
    const { range } = request.headers;
    requests.push(`${request.method} ${pathname}${range === undefined ? '' : ` [${range}]`}`);
    const body = files.get(pathname);
    const active =
      request.method === 'HEAD'
        ? undefined
        : faults.find(({ fault, left }) => left > 0 && fault.path === pathname);
    if (active) {
      active.left -= 1;
      active.fault.answer(request, response, body ?? Buffer.alloc(0));
    } else if (body) {
      sendContent(request, response, body);
    } else {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
    }
  };
  const server = tls ? createTlsServer({ ...tls }, listener) : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  files.set('/GPG-KEY-elastic-agent', Buffer.from(key.armored));
  return {
    url: tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    key,
    files,
    requests,
    add: async (path, content = artifactBytes(path), signer = key) => {
      files.set(`/downloads/${path}`, content);
      files.set(`/downloads/${path}.sha512`, Buffer.from(sha512Line(path, content)));
      files.set(`/downloads/${path}.asc`, Buffer.from(await signWith(signer, content)));
      return content;
    },
    addDefend: (version, blobs) => {
      const artifacts: Record<string, object> = {};
      for (const [path, content] of Object.entries(blobs)) {
        files.set(path, content);
        artifacts[basename(path)] = {
          relative_url: path,
          encoded_sha256: createHash('sha256').update(content).digest('hex'),
          encoded_size: content.length,
        };
      }
      const manifest = JSON.stringify({ manifest_version: version, schema_version: 'v1', artifacts });
      const wrapped = { manifest: Buffer.from(manifest).toString('base64'), signature: 'c2lnbmF0dXJl' };
      files.set(
        `/downloads/endpoint/manifest/artifacts-${version}.zip`,
        buildZip([{ name: 'manifest.json', content: JSON.stringify(wrapped) }]),
      );
    },
    addModel: (name, content) => {
      const metadata = {
        packaged_model_id: name,
        minimum_version: '11.0.0',
        size: content.length,
        sha256: createHash('sha256').update(content).digest('hex'),
        model_type: 'pytorch',
        vocabulary_file: `${name}.vocab.json`,
      };
      files.set(`/${name}.metadata.json`, Buffer.from(JSON.stringify(metadata)));
      files.set(
        `/${name}.vocab.json`,
        Buffer.from(JSON.stringify({ vocabulary: ['[PAD]', '[UNK]', 'the'] })),
      );
      files.set(`/${name}.pt`, content);
    },
    addDocs: (version) => {
      for (const product of ['elasticsearch', 'kibana', 'observability', 'security']) {
        files.set(
          `/kb-product-doc-${product}-${version}.zip`,
          buildZip([
            {
              name: 'manifest.json',
              content: JSON.stringify({
                formatVersion: '2.0.0',
                productName: product,
                productVersion: version,
              }),
            },
            { name: 'mappings.json', content: '{"properties":{}}' },
            { name: 'content/content-1.ndjson', content: '{"content_title":"a"}\n' },
          ]),
        );
      }
    },
    addFault: (fault) => {
      faults.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY });
    },
  };
};

/** The whole or the asked part, with a strong ETag. */
export const sendContent = (request: IncomingMessage, response: ServerResponse, body: Buffer): void => {
  const etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 32)}"`;
  const head = { etag, 'content-type': 'application/octet-stream', 'accept-ranges': 'bytes' };
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  const start = range && request.headers['if-range'] === etag ? Number(range[1]) : 0;
  const rest = body.subarray(start);
  response.writeHead(start > 0 ? 206 : 200, {
    ...head,
    'content-length': rest.length,
    ...(start > 0 ? { 'content-range': `bytes ${start}-${body.length - 1}/${body.length}` } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : rest);
};

/** The lines of a definition that make this upstream all public places, its key pinned. */
export const references = ({ url }: ReleaseUpstream): string =>
  `references:\n  artifacts: ${url}\n  agent-key: ${url}/GPG-KEY-elastic-agent\n  models: ${url}\n  docs: ${url}\n`;

/** The agents' key, pinned by its fingerprint. */
export const pinnedKey = ({ key }: { readonly key: MadeKey }): string =>
  `keys:\n  - name: GPG-KEY-elastic-agent\n    fingerprint: "${key.fingerprint}"\n`;
