import { createHash } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';
import { parseConstraint } from '../../src/domain/constraint.ts';
import { compareVersions, parseLooseVersion, parseStrictVersion } from '../../src/domain/version.ts';

/** A package as the fake registry has it. */
export interface OfferedPackage {
  readonly name: string;
  readonly version: string;
  readonly zip: Buffer;
  readonly signature?: string;
  /** `conditions.kibana.version`. */
  readonly kibana?: string;
  readonly requires?: object;
  /** Instead of the usual address. */
  readonly download?: string;
}

/** What goes wrong with the requests whose path ends with `match`; `times` limits how often. */
export interface Fault {
  readonly match: string;
  readonly times?: number;
  answer(request: IncomingMessage, response: ServerResponse, body: Buffer): void;
}

export interface FakeUpstream {
  readonly address: string;
  /** `METHOD /path?query` of every request, in order; a Range is appended in brackets. */
  readonly requests: string[];
  /** Headers of the last request for each path. */
  readonly headers: Map<string, IncomingMessage['headers']>;
  offer(...packages: OfferedPackage[]): void;
  readonly offered: readonly OfferedPackage[];
  withdraw(): void;
  addFault(fault: Fault): void;
  /** Answers one path with anything. */
  answer(path: string, listener: RequestListener): void;
  /** Ends it before the test does. */
  close(): Promise<void>;
}

export interface UpstreamOptions {
  readonly tls?: {
    readonly key: string;
    readonly cert: string;
    readonly ca?: string;
    readonly requestCert?: boolean;
  };
  /** Path before all others, as behind a reverse proxy. */
  readonly prefix?: string;
}

/** A registry on 127.0.0.1 with /search, /package and /epr, ranges and ETags, and faults on demand. It ends with the test. */
export async function startUpstream(
  t: ExecutionContext,
  options: UpstreamOptions = {},
): Promise<FakeUpstream> {
  const packages: OfferedPackage[] = [];
  const faults: { fault: Fault; left: number }[] = [];
  const answers = new Map<string, RequestListener>();
  const requests: string[] = [];
  const headers = new Map<string, IncomingMessage['headers']>();
  const prefix = options.prefix ?? '';

  const listener: RequestListener = (request, response) => {
    const target = request.url ?? '/';
    const range = request.headers.range;
    requests.push(`${request.method} ${target}${range === undefined ? '' : ` [${range}]`}`);
    // Through a proxy that doesn't tunnel, the target is a whole address.
    const url = new URL(target, 'http://upstream');
    headers.set(url.pathname, request.headers);
    const special = answers.get(url.pathname);
    if (special) {
      special(request, response);
      return;
    }
    const body = url.pathname.startsWith(prefix)
      ? find(url, url.pathname.slice(prefix.length), packages)
      : undefined;
    const active = faults.find((one) => one.left > 0 && url.pathname.endsWith(one.fault.match));
    if (active) {
      active.left--;
      active.fault.answer(request, response, body?.bytes ?? Buffer.alloc(0));
      return;
    }
    if (!body) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found\n');
      return;
    }
    send(request, response, body);
  };
  const server = options.tls
    ? createTlsServer({ ...options.tls, rejectUnauthorized: true }, listener)
    : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  t.teardown(close);
  return {
    address: `${options.tls ? 'https://localhost' : 'http://127.0.0.1'}:${port}${prefix}`,
    requests,
    headers,
    offered: packages,
    offer: (...more) => {
      packages.push(...more);
    },
    withdraw: () => {
      packages.length = 0;
    },
    addFault: (fault) => {
      faults.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY });
    },
    answer: (path, special) => {
      answers.set(path, special);
    },
    close,
  };
}

interface Body {
  readonly bytes: Buffer;
  readonly type: string;
}

function find(url: URL, path: string, packages: readonly OfferedPackage[]): Body | undefined {
  if (path === '/search') {
    return json(search(url.searchParams, packages));
  }
  const archive = /^\/epr\/[^/]+\/([a-z0-9_]+)-(.+)\.zip(\.sig)?$/.exec(path);
  if (archive) {
    const found = packages.find((one) => one.name === archive[1] && one.version === archive[2]);
    if (!archive[3]) {
      return found && { bytes: found.zip, type: 'application/zip' };
    }
    return found?.signature === undefined
      ? undefined
      : { bytes: Buffer.from(found.signature), type: 'text/plain' };
  }
  const info = /^\/package\/([a-z0-9_]+)\/([^/]+)\/$/.exec(path);
  const found = packages.find((one) => one.name === info?.[1] && one.version === info[2]);
  return found && json(summary(found));
}

const json = (value: unknown): Body => ({
  bytes: Buffer.from(JSON.stringify(value)),
  type: 'application/json',
});

function summary({ name, version, kibana, requires, signature, download }: OfferedPackage): object {
  const address = download ?? `/epr/${name}/${name}-${version}.zip`;
  return {
    name,
    version,
    download: address,
    ...(signature === undefined ? {} : { signature_path: `${address}.sig` }),
    ...(kibana === undefined ? {} : { conditions: { kibana: { version: kibana } } }),
    ...(requires ? { requires } : {}),
  };
}

/** The parameters that definitions use, as the registry's contract has them. */
function search(query: URLSearchParams, packages: readonly OfferedPackage[]): object[] {
  const kibana = parseLooseVersion(query.get('kibana.version') ?? '');
  const matching = packages.filter((one) => {
    const version = parseStrictVersion(one.version);
    const constraint = parseConstraint(one.kibana ?? '*');
    return (
      (!query.has('package') || query.get('package') === one.name) &&
      (query.get('prerelease') === 'true' || !version?.prerelease) &&
      (!kibana || (constraint?.test(kibana) ?? false))
    );
  });
  const newest = matching.filter(
    (one) =>
      query.get('all') === 'true' ||
      matching.every((other) => other.name !== one.name || !isBelow(one, other)),
  );
  return newest.map(summary);
}

function isBelow(a: OfferedPackage, b: OfferedPackage): boolean {
  const [left, right] = [parseStrictVersion(a.version), parseStrictVersion(b.version)];
  return left !== undefined && right !== undefined && compareVersions(left, right) < 0;
}

function send(request: IncomingMessage, response: ServerResponse, { bytes, type }: Body): void {
  const etag = `"${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}"`;
  const common = { 'content-type': type, etag, 'accept-ranges': 'bytes' };
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  const condition = request.headers['if-range'];
  const start = Number(range?.[1] ?? Number.NaN);
  if (range && (condition === undefined || condition === etag) && start < bytes.length) {
    response.writeHead(206, {
      ...common,
      'content-length': bytes.length - start,
      'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}`,
    });
    response.end(request.method === 'HEAD' ? undefined : bytes.subarray(start));
    return;
  }
  response.writeHead(200, { ...common, 'content-length': bytes.length });
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

/** Ready-made faults. Each may be limited with `times`. */
export const faults = {
  /** Sends `sent` bytes of the body and cuts the connection. */
  cut: (match: string, sent: number, times = Number.POSITIVE_INFINITY): Fault => ({
    match,
    times,
    answer: (request, response, body) => {
      const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const rest = body.subarray(start);
      const etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 16)}"`;
      const ranged = start > 0 ? { 'content-range': `bytes ${start}-${body.length - 1}/${body.length}` } : {};
      response.writeHead(start > 0 ? 206 : 200, { 'content-length': rest.length, etag, ...ranged });
      response.write(rest.subarray(0, sent), () => setTimeout(() => response.destroy(), 50));
    },
  }),
  /** Sends `sent` bytes of a body whose length isn't told, from its beginning whatever is asked, and cuts the connection. */
  cutChunked: (match: string, sent: number, times = Number.POSITIVE_INFINITY): Fault => ({
    match,
    times,
    answer: (_request, response, body) => {
      response.writeHead(200, { etag: '"chunked"' });
      response.write(body.subarray(0, sent), () => setTimeout(() => response.destroy(), 50));
    },
  }),
  /** Sends the head and some bytes, then nothing more. */
  stall: (match: string, times = Number.POSITIVE_INFINITY): Fault => ({
    match,
    times,
    answer: (_request, response, body) => {
      response.writeHead(200, { 'content-length': body.length });
      response.write(body.subarray(0, 100));
    },
  }),
  /** Sends `sent` bytes that can be continued later, then nothing more. */
  hold: (match: string, sent: number, times = Number.POSITIVE_INFINITY): Fault => ({
    match,
    times,
    answer: (_request, response, body) => {
      const etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 16)}"`;
      response.writeHead(200, { 'content-length': body.length, etag });
      response.write(body.subarray(0, sent));
    },
  }),
  /** Announces fewer bytes than the content has. */
  shortened: (match: string, times = Number.POSITIVE_INFINITY): Fault => ({
    match,
    times,
    answer: (_request, response, body) => {
      response.writeHead(200, { 'content-length': body.length - 50, 'content-type': 'application/zip' });
      response.end(body.subarray(0, body.length - 50));
    },
  }),
  /** Announces more bytes than come, and ends the connection in order. */
  overstated: (match: string, times = Number.POSITIVE_INFINITY): Fault => ({
    match,
    times,
    answer: (_request, response, body) => {
      response.writeHead(200, { 'content-length': body.length + 1000, connection: 'close' });
      response.write(body, () => setTimeout(() => response.socket?.end(), 50));
    },
  }),
  html: (match: string, times = Number.POSITIVE_INFINITY): Fault => ({
    match,
    times,
    answer: (_request, response) => {
      const page = '<html><body>Please log in</body></html>';
      response
        .writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-length': page.length })
        .end(page);
    },
  }),
  redirect: (match: string, location: string, times = Number.POSITIVE_INFINITY): Fault => ({
    match,
    times,
    answer: (_request, response) => {
      response.writeHead(302, { location, 'content-length': 0 }).end();
    },
  }),
  status: (
    match: string,
    status: number,
    headers: Record<string, string> = {},
    times = Number.POSITIVE_INFINITY,
  ): Fault => ({
    match,
    times,
    answer: (_request, response) => {
      response.writeHead(status, { ...headers, 'content-type': 'text/plain' }).end('no\n');
    },
  }),
  /** Other bytes than the ones that belong there. */
  other: (match: string, bytes: Buffer, times = Number.POSITIVE_INFINITY): Fault => ({
    match,
    times,
    answer: (_request, response) => {
      response
        .writeHead(200, { 'content-type': 'application/zip', 'content-length': bytes.length })
        .end(bytes);
    },
  }),
  /** The right bytes in small pieces, one each `pause` milliseconds. */
  slow: (match: string, pieceBytes: number, pause: number, times = Number.POSITIVE_INFINITY): Fault => ({
    match,
    times,
    answer: (_request, response, body) => {
      const etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 16)}"`;
      response.writeHead(200, { 'content-length': body.length, etag });
      let at = 0;
      const timer = setInterval(() => {
        response.write(body.subarray(at, at + pieceBytes));
        at += pieceBytes;
        if (at >= body.length) {
          clearInterval(timer);
          response.end();
        }
      }, pause);
      response.on('close', () => clearInterval(timer));
    },
  }),
};
