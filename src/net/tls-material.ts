import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { DepotError, messageOf } from '../domain/errors.ts';

/** PEM texts for one direction. */
export interface TlsMaterial {
  /** Trusted on top of the public roots. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** As node:tls takes them. A `ca` replaces Node's own list, so the public roots are put back beside it. */
export function tlsOptions(material: TlsMaterial): { ca?: string[]; cert?: string; key?: string } {
  return {
    ...(material.ca === undefined ? {} : { ca: [...rootCertificates, material.ca] }),
    ...(material.cert === undefined ? {} : { cert: material.cert }),
    ...(material.key === undefined ? {} : { key: material.key }),
  };
}

/** Which files hold the PEM texts, and the flags that named them, for messages. */
export interface TlsFiles {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/**
 * Reads PEM files; NODE_EXTRA_CA_CERTS, which a `ca` would switch off, is kept. A certificate and its key go together.
 * Throws DepotError PROXY_INVALID for the proxy's files and USAGE otherwise, naming flag and file.
 */
export function readTlsMaterial(files: TlsFiles, prefix: string, env: NodeJS.ProcessEnv): TlsMaterial {
  if ((files.cert === undefined) !== (files.key === undefined)) {
    throw new DepotError('USAGE', { reason: `--${prefix}client-cert and --${prefix}client-key go together` });
  }
  if (files.ca === undefined && files.cert === undefined) {
    return {};
  }
  const ca = files.ca === undefined ? undefined : readPem(files.ca, `--${prefix}ca`, 'CERTIFICATE');
  const extra = env['NODE_EXTRA_CA_CERTS'];
  const cert =
    files.cert === undefined ? undefined : readPem(files.cert, `--${prefix}client-cert`, 'CERTIFICATE');
  const key = files.key === undefined ? undefined : readPem(files.key, `--${prefix}client-key`, 'KEY');
  if (cert !== undefined && key !== undefined) {
    refuseOdd(cert, key, files, prefix);
  }
  return {
    ...(ca === undefined
      ? {}
      : { ca: extra ? `${ca}\n${readPem(extra, 'NODE_EXTRA_CA_CERTS', 'CERTIFICATE')}` : ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

/** A key of another certificate, or one that can't be read, is told before anything is asked. */
function refuseOdd(cert: string, key: string, files: TlsFiles, prefix: string): void {
  let fits: boolean;
  try {
    fits = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch (error) {
    const why = /ENCRYPTED/.test(key) ? 'the key has a passphrase' : 'one of them cannot be read';
    throw new DepotError(
      'USAGE',
      { reason: `--${prefix}client-cert ${files.cert}, --${prefix}client-key ${files.key}: ${why}` },
      error,
    );
  }
  if (!fits) {
    throw new DepotError('USAGE', {
      reason: `--${prefix}client-key: ${files.key} is not the key of the certificate ${files.cert}`,
    });
  }
}

function readPem(file: string, flag: string, kind: 'CERTIFICATE' | 'KEY'): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new DepotError('USAGE', { reason: `${flag}: ${file} cannot be read: ${messageOf(error)}` }, error);
  }
  if (!new RegExp(`-----BEGIN [A-Z ]*${kind}-----`).test(text)) {
    throw new DepotError('USAGE', { reason: `${flag}: ${file} has no PEM ${kind.toLowerCase()}` });
  }
  const damaged = kind === 'CERTIFICATE' ? damagedPlace(text) : undefined;
  if (damaged !== undefined) {
    throw new DepotError('USAGE', { reason: `${flag}: certificate number ${damaged} in ${file} is damaged` });
  }
  return text;
}

/** Where the first certificate stands that can't be read, from 1: Node leaves out that one and all behind it without a word. */
function damagedPlace(text: string): number | undefined {
  const begin = /(?=-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----)/;
  const blocks = text.split(begin).filter((block) => block.search(begin) === 0);
  const place = blocks.findIndex((block) => !isCertificate(block));
  return place < 0 ? undefined : place + 1;
}

function isCertificate(block: string): boolean {
  try {
    return new X509Certificate(block).fingerprint256 !== '';
  } catch {
    return false;
  }
}
