import { countOf } from '../../domain/count.ts';
import { probeTls, type ShownCertificate } from '../../net/tls-probe.ts';
import { failed, ok, warning, type DoctorContext, type Finding } from './context.ts';

const day = 86_400_000;

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

/** The chain as clients judge it, and how long it holds. Throws where no TLS comes about. */
export const checkTls = async (
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
