import { countOf } from '../../domain/count.ts';
import { DepotError, messageOf } from '../../domain/errors.ts';
import { probeTls, type ShownCertificate } from '../../net/tls-probe.ts';
import { attempt, failed, ok, warning, type DoctorContext, type Finding } from './context.ts';

const day = 86_400_000;

/** What the checks of a connection found, and whether there is any sense in asking further. */
export interface ConnectionFindings {
  readonly findings: readonly Finding[];
  readonly isReached: boolean;
}

/** Whether the address is reached at all: TLS as clients judge it, then one request. `suffix` tells two addresses apart. */
export const checkReach = async (
  context: DoctorContext,
  ca: readonly string[],
  isProxied: boolean,
  suffix = '',
): Promise<ConnectionFindings> => {
  const tls = await tryTls(context, ca, isProxied, `TLS${suffix}`);
  if (tls.some(({ state }) => state === 'failed')) {
    return { findings: tls, isReached: false };
  }
  try {
    const answer = await context.ask('/health?live=true');
    const wantsTls =
      answer.status === 400 && /https|ssl-enabled/i.test(answer.body.toString('latin1', 0, 1000));
    if (wantsTls && context.base.startsWith('http:')) {
      const finding = failed(`connection${suffix}`, 'the port speaks TLS', 'write https:// for this port');
      return { findings: [...tls, finding], isReached: false };
    }
    return { findings: tls, isReached: true };
  } catch (error) {
    if (error instanceof DepotError && error.code === 'INTERRUPTED') {
      throw error;
    }
    const finding = failed(`connection${suffix}`, messageOf(error), connectionAdvice(error));
    return { findings: [...tls, finding], isReached: false };
  }
};

const tryTls = async (
  context: DoctorContext,
  ca: readonly string[],
  isProxied: boolean,
  check: string,
): Promise<readonly Finding[]> => {
  try {
    return await checkTls(context, ca, isProxied, check);
  } catch (error) {
    const note = /wrong version number|packet length too long/.test(messageOf(error))
      ? 'the port does not speak TLS'
      : messageOf(error);
    return [failed(check, note, connectionAdvice(error))];
  }
};

/** The way out by what the system or the client said. */
const connectionAdvice = (error: unknown): string => {
  const text = messageOf(error);
  const known: readonly (readonly [RegExp, string])[] = [
    [
      /refused/i,
      'nothing listens there: is the server running, and is this its port (-address, -artifacts-address)?',
    ],
    [
      /ENOTFOUND|EAI_AGAIN|name is unknown/i,
      'this machine does not know the name: look at DNS and /etc/hosts',
    ],
    [/wrong version number|packet length/i, 'write http:// for this port, or set -tls-cert and -tls-key'],
    [
      /cut|reset|hang up/i,
      'a port that speaks TLS cuts plain requests: write https://; or something on the way cuts them',
    ],
    [
      /handshake within|time|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/i,
      'a firewall may drop it, or a proxy is needed (--proxy)',
    ],
  ];
  return (
    known.find(([form]) => form.test(text))?.[1] ??
    'look at name, port, proxy (--proxy) and certificates (--ca)'
  );
};

/** Proxies on the way, the clock, and how the address may be written. */
export const checkAnswers = async (context: DoctorContext): Promise<readonly Finding[]> => [
  ...(await attempt('proxy on the way', () => checkWay(context))),
  ...(await attempt('clock', () => checkClock(context))),
  ...(await attempt('trailing slash', () => checkSlash(context))),
];

const lines =
  'to Kibana by NODE_EXTRA_CA_CERTS=/path/to/ca.pem, to agents by agent.download.ssl.certificate_authorities, to the doctor by --ca';

const problemAdvice = (problem: string, top: ShownCertificate | undefined): string => {
  const issuer = top?.issuer ?? '?';
  const shown = `the topmost that is sent has the SHA-256 fingerprint ${top?.fingerprint ?? '?'}`;
  const known: Readonly<Record<string, string>> = {
    ERR_TLS_CERT_ALTNAME_INVALID:
      'make a certificate with this name in subjectAltName, or use a name that it has',
    CERT_HAS_EXPIRED: 'renew the certificate; a running server takes the new files by itself',
    CERT_NOT_YET_VALID: 'the certificate begins in the future: look at both clocks',
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: `give the PEM of the CA '${issuer}' ${lines}; where '${issuer}' is an intermediate, put it behind the certificate in -tls-cert (${shown})`,
  };
  return known[problem] ?? `give the PEM of '${issuer}' ${lines} (${shown})`;
};

const checkTls = async (
  { base }: DoctorContext,
  ca: readonly string[],
  isProxied: boolean,
  check: string,
): Promise<readonly Finding[]> => {
  const url = new URL(base);
  if (url.protocol === 'http:') {
    const advice = 'fine for artifacts inside a closed network; for Kibana set -tls-cert and -tls-key';
    return [warning(check, 'the address is plain HTTP', advice)];
  }
  if (isProxied) {
    return [
      warning(check, 'not looked at through a proxy', 'run the doctor without --proxy to see the chain'),
    ];
  }
  const probe = await probeTls(url.hostname.replace(/^\[|\]$/g, ''), Number(url.port || 443), ca, 10_000);
  const top = probe.chain.at(-1);
  const findings: Finding[] = [];
  if (probe.problem === undefined) {
    const line =
      ca.length === 0
        ? 'a public CA signed it: no client needs a setting'
        : 'the given CA signed it; Kibana needs NODE_EXTRA_CA_CERTS=/path/to/ca.pem with it, agents agent.download.ssl.certificate_authorities';
    findings.push(
      ok(check, `${probe.protocol}, chain ${probe.chain.map(({ subject }) => subject).join(' < ')}; ${line}`),
    );
  } else {
    findings.push(
      failed(
        check,
        `${probe.problem}: chain ${probe.chain.map(({ subject }) => subject).join(' < ')}, issued by ${top?.issuer ?? '?'}${ca.length === 0 ? '' : ', which the given --ca does not vouch for'}`,
        problemAdvice(probe.problem, top),
      ),
    );
  }
  const left = Math.floor((probe.expires.getTime() - Date.now()) / day);
  if (left < 30) {
    findings.push(
      warning(
        'certificate',
        `expires in ${countOf(left, 'day')} (${probe.expires.toISOString()})`,
        'renew it; a running server takes the new files by itself',
      ),
    );
  }
  return findings;
};

const traces = ['via', 'x-cache', 'x-squid-error', 'x-cache-lookup', 'x-bluecoat-via'];

const checkWay = async ({ ask }: DoctorContext): Promise<Finding> => {
  const { headers } = await ask('/health');
  const seen = traces.filter((one) => headers[one] !== undefined).map((one) => `${one}: ${headers[one]}`);
  return seen.length === 0
    ? ok('proxy on the way', 'none that shows itself')
    : warning(
        'proxy on the way',
        seen.join(', '),
        'it must leave bodies, Content-Length and Content-Encoding as they are, and let answers take hours',
      );
};

const checkClock = async ({ ask }: DoctorContext): Promise<Finding> => {
  const before = Date.now();
  const { headers } = await ask('/health');
  const date = Date.parse(headers['date'] ?? '');
  if (Number.isNaN(date)) {
    return warning('clock', 'the server sends no Date', 'a proxy on the way may have taken it out');
  }
  // The header has whole seconds.
  const skew = Math.round((date + 500 - (before + Date.now()) / 2) / 1000);
  const note = `the server is ${Math.abs(skew)} s ${skew < 0 ? 'behind' : 'ahead of'} this machine`;
  const advice = 'set both clocks by NTP: certificates and signatures are judged by the time';
  return Math.abs(skew) <= 5
    ? ok('clock', note)
    : Math.abs(skew) < 300
      ? warning('clock', note, advice)
      : failed('clock', note, advice);
};

/** Kibana doesn't normalise `registryUrl`: a slash at its end makes every path begin with two. */
const checkSlash = async ({ ask, base }: DoctorContext): Promise<Finding> => {
  const { status, headers } = await ask('//search?package=fleet-depot-doctor&prerelease=false');
  if (status === 200) {
    return ok('trailing slash', 'works with and without');
  }
  const location = headers['location'] ?? '';
  const target = location === '' ? undefined : new URL(location, `${base}/`);
  if (status === 301 && target !== undefined) {
    const prefix = new URL(base).pathname.replace(/\/$/, '');
    if (target.pathname === `${prefix}/search`) {
      return ok('trailing slash', `leads to ${target.pathname}`);
    }
    if (prefix === '') {
      const found = target.pathname.replace(/\/search$/, '');
      return failed(
        'trailing slash',
        `leads to ${target.pathname}: the server has the prefix ${found}, the address has none`,
        `write ${base}${found} into registryUrl and agent binary sources`,
      );
    }
    return failed(
      'trailing slash',
      `leads to ${target.pathname}, out of the prefix ${prefix}`,
      `start the server with -path-prefix ${prefix}, or let the reverse proxy send X-Forwarded-Prefix`,
    );
  }
  return warning(
    'trailing slash',
    `//search is answered ${status}`,
    'write registryUrl without a slash at its end, and look at the prefix rules of the reverse proxy',
  );
};
