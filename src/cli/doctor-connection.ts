import { probeTls } from '../net/tls-probe.ts';
import { attempt, failed, ok, warning, type DoctorContext, type Finding } from './doctor-context.ts';

const day = 86_400_000;

/** TLS, proxies on the way, the clock, and how the address may be written. */
export const checkConnection = async (
  context: DoctorContext,
  ca: readonly string[],
  isProxied: boolean,
): Promise<readonly Finding[]> => {
  const findings = await attempt('TLS', () => checkTls(context, ca, isProxied));
  return findings.some(({ state }) => state === 'failed')
    ? findings
    : [...findings, ...(await checkAnswers(context))];
};

const checkAnswers = async (context: DoctorContext): Promise<readonly Finding[]> => [
  ...(await attempt('proxy on the way', () => checkWay(context))),
  ...(await attempt('clock', () => checkClock(context))),
  ...(await attempt('trailing slash', () => checkSlash(context))),
];

const caAdvice: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'the server does not send its intermediates, or the CA is unknown: put them behind the certificate in -tls-cert',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'make a certificate with this name in subjectAltName, or use the name that it has',
  CERT_HAS_EXPIRED: 'renew the certificate; a running server takes the new files by itself',
};

const checkTls = async (
  { base }: DoctorContext,
  ca: readonly string[],
  isProxied: boolean,
): Promise<Finding | readonly Finding[]> => {
  const url = new URL(base);
  if (url.protocol === 'http:') {
    return warning(
      'TLS',
      'the address is plain HTTP',
      'fine for artifacts inside a closed network; for Kibana set -tls-cert and -tls-key',
    );
  }
  if (isProxied) {
    return warning('TLS', 'not looked at through a proxy', 'run the doctor without --proxy to see the chain');
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
      ok('TLS', `${probe.protocol}, chain ${probe.chain.map(({ subject }) => subject).join(' < ')}; ${line}`),
    );
  } else {
    const known = caAdvice[probe.problem];
    findings.push(
      failed(
        'TLS',
        `${probe.problem}: chain ${probe.chain.map(({ subject }) => subject).join(' < ')}, issued by ${top?.issuer ?? '?'}`,
        known ??
          `give the PEM of '${top?.issuer ?? '?'}' (the top that is shown has SHA-256 ${top?.fingerprint ?? '?'}) to the doctor by --ca, to Kibana by NODE_EXTRA_CA_CERTS, to agents by agent.download.ssl.certificate_authorities`,
      ),
    );
  }
  const left = Math.floor((probe.expires.getTime() - Date.now()) / day);
  if (left < 30) {
    findings.push(
      warning(
        'certificate',
        `expires in ${left} days (${probe.expires.toISOString()})`,
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
