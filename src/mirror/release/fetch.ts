import { DepotError } from '../../domain/errors.ts';
import { showUrl, type HttpClient } from '../../net/http.ts';

/**
 * A client whose answers don't say what type they have, for content that is judged by itself: Elastic Defend's files may be
 * JSON, which no archive ever is.
 */
export const ofAnyType = (client: HttpClient): HttpClient => ({
  request: async (request) => {
    const answer = await client.request(request);
    return { ...answer, headers: { ...answer.headers, 'content-type': undefined } };
  },
  close: () => client.close(),
});

/** The upstream doesn't have a file that is needed. */
export const absent = (url: URL): DepotError =>
  new DepotError('UPSTREAM_ANSWER', { url: showUrl(url), reason: 'the upstream does not have it (404)' });

/** Whether bytes are a page for people: a portal's login or an error, answered with 200. */
export const isWebPage = (bytes: Uint8Array): boolean =>
  /^\s*<(?:!doctype|html|\?xml|head|body|error)/i.test(
    Buffer.from(bytes.subarray(0, 256)).toString('latin1'),
  );
