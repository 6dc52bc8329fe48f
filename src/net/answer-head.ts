/** What comes before the body of an answer. */
export interface AnswerHead {
  readonly status: number;
  /** Lower-case names; the first value of a repeated header. */
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes of the body; 0 also where the answer isn't the file, and doesn't say how long what it has instead is. */
  readonly length: number;
  /** Whether the connection serves for another request. */
  readonly keepsAlive: boolean;
}

/**
 * Whether a head is only the first of several: a `100 Continue` that nobody asked for, a `103 Early Hints`. Who asks has to pass
 * over them (RFC 9110, 15.2); undici breaks off at the first kind.
 */
export const isInterim = (text: string): boolean => /^HTTP\/1\.1 1(?!01)\d\d(?: |\r|$)/.test(text);

const redirectOrWorse = 300;
const statusLine = /^HTTP\/1\.1 ([2-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const headerLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/;

/**
 * Reads the head of an answer to a GET (RFC 9112, 2 to 6), Latin-1 and without the empty line at its end. Undefined for
 * all but the ordinary form, in which `Content-Length` says once how long the body is: whoever asked then has to ask with
 * a whole HTTP client.
 */
export function readAnswerHead(text: string): AnswerHead | undefined {
  const [first = '', ...lines] = text.split('\r\n');
  const status = Number(statusLine.exec(first)?.[1]);
  // 204 and 304 have no body whatever their headers say.
  if (Number.isNaN(status) || status === 204 || status === 304) {
    return undefined;
  }
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const line of lines) {
    const match = headerLine.exec(line);
    if (!match) {
      return undefined;
    }
    const name = (match[1] ?? '').toLowerCase();
    const isAgain = name in headers;
    if (isAgain && (name === 'content-length' || name === 'connection')) {
      return undefined;
    }
    if (!isAgain) {
      headers[name] = match[2] ?? '';
    }
  }
  const length = headers['content-length'] ?? '';
  if (!/^\d{1,15}$/.test(length) || 'transfer-encoding' in headers || 'upgrade' in headers) {
    // Nobody reads the page that comes with a 404.
    return status < redirectOrWorse ? undefined : { status, headers, length: 0, keepsAlive: false };
  }
  const connection = (headers['connection'] ?? 'keep-alive').toLowerCase();
  return { status, headers, length: Number(length), keepsAlive: connection === 'keep-alive' };
}
