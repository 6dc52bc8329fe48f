import type { IncomingHttpHeaders } from 'node:http';

/** Whether a request has a condition of RFC 9110, 13.1, but for If-Range, which is one of the range. */
export function hasConditions(headers: IncomingHttpHeaders): boolean {
  return (
    headers['if-none-match'] !== undefined ||
    headers['if-modified-since'] !== undefined ||
    headers['if-match'] !== undefined ||
    headers['if-unmodified-since'] !== undefined
  );
}

/** Whether the client wants these bytes only if they are still those that it knows, and they are not (13.1.1, 13.1.4): 412. */
export function isUnmet(headers: IncomingHttpHeaders, etag: string, modifiedAt: Date | undefined): boolean {
  const { 'if-match': names, 'if-unmodified-since': since } = headers;
  if (names !== undefined) {
    return names.trim() !== '*' && !names.split(',').some((name) => name.trim() === etag);
  }
  return since !== undefined && modifiedAt !== undefined && wholeSeconds(modifiedAt) > Date.parse(since);
}

/** Whether the client has these bytes: 304. Where it names validators, its date says nothing more (13.2.2). */
export function isKnown(headers: IncomingHttpHeaders, etag: string, modifiedAt: Date | undefined): boolean {
  const { 'if-none-match': names, 'if-modified-since': since } = headers;
  if (names !== undefined) {
    return names.trim() === '*' || names.split(',').some((name) => name.trim().replace(/^W\//, '') === etag);
  }
  return since !== undefined && modifiedAt !== undefined && wholeSeconds(modifiedAt) <= Date.parse(since);
}

/** If-Range: a part is sent only of what the client has the rest of (13.1.5). */
export function rangeIsFor(
  headers: IncomingHttpHeaders,
  etag: string,
  modifiedAt: Date | undefined,
): boolean {
  const condition = headers['if-range'];
  if (typeof condition !== 'string') {
    return true;
  }
  return condition.startsWith('"')
    ? condition === etag
    : modifiedAt !== undefined && condition === modifiedAt.toUTCString();
}

/** A date of a header has whole seconds; one that can't be read is NaN, which is neither before nor after anything. */
const wholeSeconds = (date: Date): number => Math.floor(date.getTime() / 1000) * 1000;
