import type { DetailedPeerCertificate } from 'node:tls';
import { connect, rootCertificates } from 'node:tls';

/** What a server shows at the handshake, looked at without trusting it. */
export interface TlsProbe {
  readonly protocol: string;
  /** Undefined where the chain is trusted and the name fits; OpenSSL's code otherwise. */
  readonly problem?: string;
  /** From the server's own certificate upwards, as far as the server sends it or the CAs complete it. */
  readonly chain: readonly ShownCertificate[];
  readonly expires: Date;
}

/** A certificate as a server shows it. */
export interface ShownCertificate {
  readonly subject: string;
  readonly issuer: string;
  /** SHA-256, as openssl prints it. */
  readonly fingerprint: string;
}

const name = (parts: DetailedPeerCertificate['subject'] | undefined): string =>
  parts === undefined ? '' : ([parts.CN ?? parts.O].flat()[0] ?? '');

/** Shakes hands with `host:port`, trusting the public CAs and `ca`. Rejects where there is no TLS at all. */
export const probeTls = (
  host: string,
  port: number,
  ca: readonly string[],
  timeout: number,
): Promise<TlsProbe> =>
  new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      // An address is no server name (RFC 6066, 3).
      ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
      ca: [...rootCertificates, ...ca],
      rejectUnauthorized: false,
      timeout,
    });
    socket.once('timeout', () => socket.destroy(new Error(`no handshake within ${timeout / 1000} s`)));
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      const chain: ShownCertificate[] = [];
      const seen = new Set<string>();
      let shown: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
      const expires = new Date(shown.valid_to);
      while (shown?.fingerprint256 !== undefined && !seen.has(shown.fingerprint256)) {
        seen.add(shown.fingerprint256);
        chain.push({
          subject: name(shown.subject),
          issuer: name(shown.issuer),
          fingerprint: shown.fingerprint256,
        });
        shown = shown.issuerCertificate;
      }
      const error: unknown = socket.authorizationError;
      const problem = error instanceof Error && 'code' in error ? String(error.code) : error;
      const protocol = socket.getProtocol() ?? '';
      socket.destroy();
      resolve({
        protocol,
        chain,
        expires,
        ...(typeof problem === 'string' ? { problem } : {}),
      });
    });
  });
