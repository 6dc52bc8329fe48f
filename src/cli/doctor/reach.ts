import { DepotError, messageOf } from '../../domain/errors.ts';
import { failed, type DoctorContext, type Finding } from './context.ts';
import { checkTls } from './tls.ts';

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
