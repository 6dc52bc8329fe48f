import { randomBytes } from 'node:crypto';
import * as openpgp from 'openpgp';
import type { OfferedPackage } from './upstream.ts';
import { buildZip } from './zip-builder.ts';

/** Makes packages whose archives are whole and signed by one key, made for the test. */
export interface Publisher {
  readonly publicKey: string;
  /** The same key after its owner has revoked it. */
  readonly revokedKey: string;
  readonly fingerprint: string;
  make(name: string, version: string, more?: PackageSpec): Promise<OfferedPackage>;
  sign(bytes: Buffer): Promise<string>;
}

export interface PackageSpec {
  /** Bytes that don't compress, so that the archive has about this size. */
  readonly bytes?: number;
  readonly kibana?: string;
  readonly requires?: object;
  readonly unsigned?: boolean;
}

export async function createPublisher(): Promise<Publisher> {
  const keys = await openpgp.generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ name: 'Test' }],
    format: 'object',
  });
  const sign = async (bytes: Buffer): Promise<string> => {
    const message = await openpgp.createMessage({ binary: bytes });
    return await openpgp.sign({ message, signingKeys: keys.privateKey, detached: true, format: 'armored' });
  };
  const { publicKey: revokedKey } = await openpgp.revokeKey({
    key: keys.publicKey,
    revocationCertificate: keys.revocationCertificate,
    format: 'armored',
  });
  return {
    publicKey: keys.publicKey.armor(),
    revokedKey,
    fingerprint: keys.publicKey.getFingerprint().toUpperCase(),
    sign,
    async make(name, version, { bytes = 500, kibana, requires, unsigned } = {}) {
      const zip = packageZip(name, version, bytes);
      return {
        name,
        version,
        zip,
        ...(unsigned ? {} : { signature: await sign(zip) }),
        ...(kibana === undefined ? {} : { kibana }),
        ...(requires ? { requires } : {}),
      };
    },
  };
}

/** A small whole archive; `top` and the manifest can be made to disagree. */
export function packageZip(name: string, version: string, bytes = 500, top = `${name}-${version}`): Buffer {
  const manifest = `format_version: 3.0.0\nname: ${name}\ntitle: Test\nversion: ${version}\n`;
  return buildZip([
    { name: `${top}/manifest.yml`, content: manifest },
    { name: `${top}/docs/README.md`, content: '# Test\n'.repeat(20) },
    { name: `${top}/img/data.bin`, content: randomBytes(bytes), method: 0 },
  ]);
}
