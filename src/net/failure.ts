import { TunnelError } from './tunnel-error.ts';

/** What a failed request means for people and for retrying. */
export interface Failure {
  readonly reason: string;
  /** True where another attempt may help. */
  readonly passing: boolean;
  /** True where the proxy said no, not the target. */
  readonly byProxy: boolean;
}

interface Times {
  readonly connectTimeout: number;
  readonly headersTimeout: number;
  readonly bodyTimeout: number;
}

/** Codes of Node and undici that may pass, in plain words. */
const passing: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ETIMEDOUT: 'the connection timed out',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  EAI_AGAIN: 'the name service does not answer',
  UND_ERR_SOCKET: 'the connection was cut',
  ERR_SSL_UNEXPECTED_EOF_WHILE_READING: 'the connection was cut',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the body is not as long as announced',
};

/** Codes of connections that never came about. */
const unreached: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'ENOTFOUND',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/**
 * Puts an error of undici, TLS or the socket in words. `isRelayed` says that a proxy passes requests on without a tunnel: then
 * every connection is one to the proxy. Never shows an address, a header or a password of the request.
 */
export function describeFailure(error: unknown, times: Times, isRelayed = false): Failure {
  const isTunnel = error instanceof TunnelError;
  const fault = isTunnel ? error.cause : error;
  const failure = describe(fault, times);
  if ((isTunnel || isRelayed) && !failure.byProxy && unreached.has(codeOf(fault))) {
    return { ...failure, reason: `it cannot be reached: ${failure.reason}`, byProxy: true };
  }
  return isTunnel ? { ...failure, byProxy: true } : failure;
}

/** What a proxy means by a status of its own. `detail` stands behind it, such as Squid's name of the page. */
export function refusalByProxy(status: number, detail = ''): Pick<Failure, 'reason' | 'passing'> {
  const shown = `(${status}${detail === '' ? '' : ` ${detail}`})`;
  // tinyproxy answers 401 where user or password is wrong, and 500 where it can't reach the server.
  if (status === 407 || status === 401) {
    return { reason: `it wants another user or password ${shown}`, passing: false };
  }
  return status >= 500 && status !== 501
    ? { reason: `it cannot reach the server ${shown}`, passing: true }
    : { reason: `it does not let this request through ${shown}`, passing: false };
}

/** What is wrong with certificates, in words. */
const certificates: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  CERT_REVOKED: 'its certificate was revoked',
};

function describe(error: unknown, times: Times): Failure {
  const code = codeOf(error);
  const message = messageOf(error);
  const refused = /Proxy response \((\d+)\)/.exec(message)?.[1];
  if (refused !== undefined) {
    return { ...refusalByProxy(Number(refused)), byProxy: true };
  }
  if (/Proxy Authentication Required/.test(message)) {
    return { ...refusalByProxy(407), byProxy: true };
  }
  const soft = (reason: string): Failure => ({ reason, passing: true, byProxy: false });
  if (code === 'UND_ERR_CONNECT_TIMEOUT') {
    return soft(`no connection within ${seconds(times.connectTimeout)}`);
  }
  if (code === 'UND_ERR_HEADERS_TIMEOUT') {
    return soft(`no answer within ${seconds(times.headersTimeout)}`);
  }
  if (code === 'UND_ERR_BODY_TIMEOUT') {
    return soft(`stalled: nothing came for ${seconds(times.bodyTimeout)}`);
  }
  const known = passing[code];
  if (known !== undefined) {
    return soft(known);
  }
  // undici often has no code for what its parser refuses.
  if (code.startsWith('HPE_') || (error instanceof Error && error.name === 'HTTPParserError')) {
    return soft('the answer is not proper HTTP');
  }
  const hard = (reason: string, byProxy = false): Failure => ({ reason, passing: false, byProxy });
  if (code === 'ENOTFOUND') {
    return hard('the host name is unknown');
  }
  if (/ALERT_CERTIFICATE_REQUIRED|certificate required/i.test(`${code} ${message}`)) {
    return hard('it demands a client certificate');
  }
  if (/ALERT|HANDSHAKE_FAILURE/.test(code)) {
    return hard(`the TLS handshake was refused (${code}); a client certificate may be wanted`);
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO_|DEPTH_ZERO/.test(code)) {
    return hard(`${certificates[code] ?? 'its certificate is not trusted'} (${code})`);
  }
  if (/wrong version number|packet length too long|http request/.test(message)) {
    return hard('it does not speak TLS there; is it http:// or another port?');
  }
  return hard(
    code === '' ? 'the request failed' : `the request failed (${code})`,
    code === 'UND_ERR_PRX_TLS',
  );
}

const seconds = (milliseconds: number): string => `${Math.round(milliseconds / 100) / 10} s`;

function codeOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof AggregateError && at.errors.length > 0) {
      return codeOf(at.errors[0]);
    }
    if ('code' in at && typeof at.code === 'string') {
      return at.code;
    }
  }
  return '';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.message} ${messageOf(error.cause)}` : '';
}
