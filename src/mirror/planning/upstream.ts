import { DepotError } from '../../domain/errors.ts';
import type { Candidate } from '../../distribution/candidate.ts';
import type { Pin } from '../../distribution/definition.ts';
import { joinUrl, showUrl, type HttpClient } from '../../net/http.ts';
import type { RetryPolicy } from '../../net/retry.ts';
import type { HostPolicy } from '../../net/upstream-hosts.ts';
import { isSameServer } from '../../net/upstream-hosts.ts';
import { fetchJson } from '../transfer/json-fetch.ts';
import { askPresence, type Presence } from '../transfer/presence.ts';
import { readConditions, readListing, type SearchAnswer } from './listing.ts';

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

/** Which registry is asked, and how. */
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

/** Asks nothing before the first question. */
export function createUpstream(settings: UpstreamSettings): Upstream {
  const { client, policy, retry, address, downloads, maxJsonBytes } = settings;

  const getJson = (url: URL, signal?: AbortSignal): Promise<unknown> =>
    fetchJson(url, { client, policy, retry, ...(signal ? { signal } : {}) }, maxJsonBytes);

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
      return readListing(items, url);
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
