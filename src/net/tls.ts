import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  createSecureContext,
  DEFAULT_CIPHERS,
  type SecureContextOptions,
  type SecureVersion,
} from 'node:tls';
import { DepotError, messageOf } from '../domain/errors.ts';

/** A file that a setting names, with the names that messages call the setting by. */
export interface NamedFile {
  readonly path: string;
  /** `-tls-cert` */
  readonly flag: string;
  /** `EPR_TLS_CERT` */
  readonly variable: string;
}

/** The oldest version of TLS that a listener accepts. */
export type TlsVersion = '1.0' | '1.1' | '1.2' | '1.3';

/** What a TLS listener is made of. */
export interface TlsFiles {
  readonly certificate: NamedFile;
  readonly key: NamedFile;
  readonly minVersion: TlsVersion;
}

/** A certificate with its key, read and checked: the key belongs to the first certificate, and OpenSSL takes both. */
export interface TlsPair {
  /** For `tls.createServer` and `server.setSecureContext`. */
  readonly options: SecureContextOptions;
  readonly certificate: X509Certificate;
  readonly expires: Date;
}

const protocols: Readonly<Record<TlsVersion, SecureVersion>> = {
  '1.0': 'TLSv1',
  '1.1': 'TLSv1.1',
  '1.2': 'TLSv1.2',
  '1.3': 'TLSv1.3',
};

/**
 * Reads and checks a pair. Throws DepotError SETTING_INVALID that names the setting whose file is at fault, so that a server
 * never starts half secured.
 */
export const loadTlsPair = async (files: TlsFiles): Promise<TlsPair> => {
  const [cert, key] = await Promise.all([readPem(files.certificate), readPem(files.key)]);
  const chain = parseChain(files.certificate, cert);
  const certificate =
    chain[0] ?? refuse(files.certificate, `has no certificate in PEM form${adviceFor(cert)}`);
  const privateKey = parseKey(files.key, key);
  if (!certificate.checkPrivateKey(privateKey)) {
    const place = chain.findIndex((other) => other.checkPrivateKey(privateKey));
    return refuse(
      files.key,
      place > 0
        ? `belongs to certificate number ${place + 1} in ${files.certificate.path}; the server's own certificate must come first there`
        : `does not belong to the certificate in ${files.certificate.path}`,
    );
  }
  const options = secureOptions(cert, key, files.minVersion);
  try {
    createSecureContext(options);
  } catch (error) {
    return refuse(files.certificate, `OpenSSL refuses it: ${(error as Error).message}`);
  }
  return { options, certificate, expires: new Date(certificate.validTo) };
};

/** One clause where the certificate's time is over or has not come; clients will refuse it, the server still starts. */
export const validityProblem = (certificate: X509Certificate, now: Date): string | undefined => {
  if (new Date(certificate.validTo) < now) {
    return `the certificate expired at ${new Date(certificate.validTo).toISOString()}`;
  }
  if (new Date(certificate.validFrom) > now) {
    return `the certificate is not valid before ${new Date(certificate.validFrom).toISOString()}`;
  }
  return undefined;
};

/**
 * TLS 1.0 and 1.1 sign with SHA-1, which OpenSSL 3 allows at security level 0 only; the level stays untouched where the oldest
 * version is 1.2 or 1.3.
 */
const secureOptions = (cert: string, key: string, minVersion: TlsVersion): SecureContextOptions => ({
  cert,
  key,
  minVersion: protocols[minVersion],
  maxVersion: 'TLSv1.3',
  ...(minVersion === '1.0' || minVersion === '1.1' ? { ciphers: `${DEFAULT_CIPHERS}:@SECLEVEL=0` } : {}),
});

const refuse = (file: NamedFile, reason: string): never => {
  throw new DepotError('SETTING_INVALID', {
    flag: file.flag,
    variable: file.variable,
    reason: `${file.path}: ${reason}`,
  });
};

const maxPemBytes = 1 << 20;

const readPem = async (file: NamedFile): Promise<string> => {
  let text: string;
  try {
    text = await readFile(file.path, 'utf8');
  } catch (error) {
    return refuse(file, `cannot be read: ${messageOf(error)}`);
  }
  return text.length > maxPemBytes ? refuse(file, 'is above 1 MiB, that is no PEM file') : text;
};

/** What may stand in a file that doesn't hold what was sought in it. */
const adviceFor = (text: string): string => {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    return '; it holds a private key: are -tls-cert and -tls-key swapped?';
  }
  if (text.includes('-----BEGIN CERTIFICATE-----')) {
    return '; it holds a certificate: are -tls-cert and -tls-key swapped?';
  }
  // DER and PKCS#12 begin with the tag of a sequence (ITU-T X.690).
  return text.startsWith('0')
    ? '; it looks like DER or PKCS#12: convert it with openssl x509, openssl pkey or openssl pkcs12'
    : '';
};

const parseChain = (file: NamedFile, pem: string): X509Certificate[] => {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch {
      return refuse(file, `certificate number ${index + 1} is damaged`);
    }
  });
};

const parseKey = (file: NamedFile, pem: string): KeyObject => {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    return refuse(
      file,
      `is encrypted; decrypt it with: openssl pkey -in ${file.path} -out ${file.path}.plain && chmod 600 ${file.path}.plain`,
    );
  }
  if (!pem.includes('PRIVATE KEY-----')) {
    return refuse(file, `has no private key in PEM form${adviceFor(pem)}`);
  }
  try {
    return createPrivateKey(pem);
  } catch {
    return refuse(file, 'has a damaged private key');
  }
};
