import { createGunzip } from 'node:zlib';
import { parseConstraint } from '../../domain/constraint.ts';
import { DepotError } from '../../domain/errors.ts';
import { isObject } from '../../domain/json-object.ts';
import { parseStrictVersion } from '../../domain/version.ts';
import type { Candidate, Requirement } from '../../distribution/candidate.ts';
import type { Pin } from '../../distribution/definition.ts';
import { isPackageName } from '../../distribution/parse-definition.ts';
import type { HttpAnswer, HttpClient } from '../../net/http.ts';
import { dismiss, readBody, showUrl, Transient } from '../../net/http.ts';
import type { RetryPolicy } from '../../net/retry.ts';
import { withRetries } from '../../net/retry.ts';
import type { HostPolicy } from '../../net/upstream-hosts.ts';
import { isSameServer, requestWithin } from '../../net/upstream-hosts.ts';
import { askPresence, type Presence } from '../transfer/presence.ts';

/** Another registry, asked for what it has. */
export interface Upstream {
  /** One `/search`. Entries whose name or version isn't proper never come back as candidates. */
  search(parameters: string, signal?: AbortSignal): Promise<SearchAnswer>;
  /** What a package's manifest wants of Kibana and of other packages; undefined where the upstream doesn't know that version. */
  conditions(pin: Pin, signal?: AbortSignal): Promise<Pick<Candidate, 'kibana' | 'requires'> | undefined>;
  /** What a HEAD says of an archive. */
  archivePresence(url: URL, signal?: AbortSignal): Promise<Presence>;
  /** Where the archive of a candidate lies. Throws DepotError UPSTREAM_REDIRECT for one on another host. */
  archiveUrl(candidate: Candidate): URL;
  signatureUrl(candidate: Candidate): URL;
}

export interface SearchAnswer {
  readonly candidates: readonly Candidate[];
  readonly refused: readonly DepotError[];
}

export interface UpstreamSettings {
  readonly client: HttpClient;
  readonly policy: HostPolicy;
  readonly retry: RetryPolicy;
  /** Where questions go. */
  readonly address: URL;
  /** Where archives come from: an address like the first, or a bucket with all of them in one folder. */
  readonly downloads: { readonly address: URL } | { readonly bucket: URL };
  /** Bytes of one JSON answer, unpacked. */
  readonly maxJsonBytes: number;
}

/** What a status of a listing mostly means. */
function hintFor(status: number, url: URL): string {
  if (status === 401) {
    return '; it wants user and password, as in https://USER:PASSWORD@HOST';
  }
  // Ports that speak TLS answer so to plain HTTP.
  return status === 400 && url.protocol === 'http:' ? '; is it https://?' : '';
}

export function createUpstream(settings: UpstreamSettings): Upstream {
  const { client, policy, retry, address, downloads } = settings;
  const { maxJsonBytes } = settings;

  const getJson = (url: URL, signal?: AbortSignal): Promise<unknown> =>
    withRetries(retry, signal, async () => {
      const headers = { accept: 'application/json', 'accept-encoding': 'gzip' };
      const answer = await requestWithin(
        client,
        { url, headers, expectsLength: true, ...(signal ? { signal } : {}) },
        policy,
      );
      if (answer.status === 404) {
        return dismiss(answer);
      }
      if (answer.status !== 200) {
        dismiss(answer);
        throw new DepotError('UPSTREAM_ANSWER', {
          url: showUrl(url),
          reason: `the server answered ${answer.status}${hintFor(answer.status, url)}`,
        });
      }
      return parseJson(await readText(answer, maxJsonBytes), answer);
    });

  const locate = (path: string, fileName: string): URL => {
    if ('bucket' in downloads) {
      return joinUrl(downloads.bucket, `/${encodeURIComponent(fileName)}`);
    }
    if (/^[a-z][a-z0-9+.-]*:/i.test(path)) {
      if (!URL.canParse(path)) {
        throw new DepotError('UPSTREAM_ANSWER', { url: showUrl(address), reason: `'${path}' is no address` });
      }
      const target = new URL(path);
      policy.check(downloads.address, target);
      // User and password are those of the address that was given, for its own host alone; a listing has none to give.
      const isOwn = isSameServer(downloads.address, target);
      target.username = isOwn ? downloads.address.username : '';
      target.password = isOwn ? downloads.address.password : '';
      return target;
    }
    return joinUrl(downloads.address, path.startsWith('/') ? path : `/${path}`);
  };

  const archivePath = ({ name, version, download }: Candidate): string =>
    download ?? `/epr/${name}/${name}-${version}.zip`;

  return {
    async search(parameters, signal) {
      const url = joinUrl(address, `/search${parameters === '' ? '' : `?${parameters}`}`);
      const items = await getJson(url, signal);
      if (!Array.isArray(items)) {
        throw new DepotError('UPSTREAM_ANSWER', {
          url: showUrl(url),
          reason:
            items === undefined
              ? 'there is no /search (404); is this the address of a registry?'
              : 'the answer is no list of packages',
        });
      }
      const candidates: Candidate[] = [];
      const refused: DepotError[] = [];
      for (const item of items as unknown[]) {
        const candidate = readCandidate(item);
        if (typeof candidate === 'string') {
          refused.push(new DepotError('UPSTREAM_LISTING', { url: showUrl(url), reason: candidate }));
        } else {
          candidates.push(candidate);
        }
      }
      return { candidates, refused };
    },
    async conditions(pin, signal) {
      const answer = await getJson(joinUrl(address, `/package/${pin.name}/${pin.version}/`), signal);
      return answer === undefined ? undefined : readConditions(answer);
    },
    archivePresence: (url, signal) =>
      askPresence(url, { client, policy, retry, ...(signal ? { signal } : {}) }),
    archiveUrl: (candidate) => locate(archivePath(candidate), `${candidate.name}-${candidate.version}.zip`),
    signatureUrl: (candidate) =>
      locate(
        candidate.signaturePath ?? `${archivePath(candidate)}.sig`,
        `${candidate.name}-${candidate.version}.zip.sig`,
      ),
  };
}

/** Appends a path to an address that may have a path itself; the result can't leave the address's host. */
export function joinUrl(address: URL, path: string): URL {
  const joined = new URL(address.origin + address.pathname.replace(/\/+$/, '') + path);
  // Each part that is set is another reading of the address, and a listing names thousands.
  if (address.username !== '' || address.password !== '') {
    joined.username = address.username;
    joined.password = address.password;
  }
  return joined;
}

async function readText(answer: HttpAnswer, limit: number): Promise<string> {
  const encoding = answer.headers['content-encoding'] ?? 'identity';
  try {
    if (encoding === 'identity') {
      return (await readBody(answer, limit)).toString('utf8');
    }
    if (encoding === 'gzip') {
      const gunzip = createGunzip();
      answer.body.on('error', (error) => gunzip.destroy(error));
      return (await readBody(answer, limit, answer.body.pipe(gunzip))).toString('utf8');
    }
  } catch (error) {
    if (error instanceof DepotError) {
      throw error;
    }
    throw new Transient(
      new DepotError('UPSTREAM_ANSWER', { url: showUrl(answer.url), reason: 'the answer was cut' }, error),
    );
  }
  dismiss(answer);
  throw new DepotError('UPSTREAM_ANSWER', {
    url: showUrl(answer.url),
    reason: `the answer has Content-Encoding ${encoding}`,
  });
}

function parseJson(text: string, answer: HttpAnswer): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const reason = /^\s*</.test(text) ? 'the answer is a page of HTML, not JSON' : 'the answer is no JSON';
    throw new DepotError('UPSTREAM_ANSWER', { url: showUrl(answer.url), reason }, error);
  }
}

function readCandidate(item: unknown): Candidate | string {
  if (!isObject(item)) {
    return 'an entry is no object';
  }
  const { name, version, download, signature_path: signaturePath } = item;
  if (typeof name !== 'string' || !isPackageName(name)) {
    return `the name ${quote(name)} is not made of a-z, 0-9 and _`;
  }
  const parsed = typeof version === 'string' ? parseStrictVersion(version) : undefined;
  if (typeof version !== 'string' || !parsed) {
    return `${name}: the version ${quote(version)} is not MAJOR.MINOR.PATCH`;
  }
  return {
    name,
    version,
    parsed,
    ...readConditions(item),
    ...(typeof download === 'string' && download !== '' ? { download } : {}),
    ...(typeof signaturePath === 'string' && signaturePath !== '' ? { signaturePath } : {}),
  };
}

/** What a search item or a manifest wants of Kibana and of other packages. */
function readConditions(item: unknown): Pick<Candidate, 'kibana' | 'requires'> {
  const kibana = readKibana(isObject(item) ? item['conditions'] : undefined);
  return { ...(kibana === undefined ? {} : { kibana }), requires: readRequirements(item) };
}

/** `kibana.version` of a search item's conditions; what is no constraint counts as absent. */
function readKibana(conditions: unknown): string | undefined {
  const kibana = isObject(conditions) ? conditions['kibana'] : undefined;
  const version = isObject(kibana) ? kibana['version'] : undefined;
  return typeof version === 'string' && parseConstraint(version) ? version : undefined;
}

/** `requires.input[]` and `requires.content[]` of a search item or a manifest, each with `package` and `version`. */
function readRequirements(item: unknown): Requirement[] {
  const requires = isObject(item) ? item['requires'] : undefined;
  if (!isObject(requires)) {
    return [];
  }
  return [requires['input'], requires['content']].flatMap((list) =>
    (Array.isArray(list) ? (list as unknown[]) : []).flatMap((one) => {
      if (!isObject(one) || typeof one['package'] !== 'string') {
        return [];
      }
      return [
        { name: one['package'], constraint: typeof one['version'] === 'string' ? one['version'] : '*' },
      ];
    }),
  );
}

const quote = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 80);
