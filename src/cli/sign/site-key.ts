import { DepotError } from '../../domain/errors.ts';
import { formatFingerprint } from '../../signing/fingerprint.ts';
import { kibanaAdvice, kibanaSetting } from '../../signing/kibana-setting.ts';
import { readSitePublicKey } from '../../signing/signer.ts';
import { refuseExisting, siteKeyFiles, writeSiteKey } from '../../signing/site-key-files.ts';
import { generateSiteKey } from '../../signing/site-key.ts';
import { askPassphrase } from '../signer-loader.ts';
import type { CommandIo } from '../verb.ts';
import type { SignDeps, SignOptions } from './deps.ts';

/** `sign --init`: makes a site key and says what to do with it. */
export const makeKey = async (
  keyFile: string,
  options: SignOptions,
  io: CommandIo,
  deps: SignDeps,
): Promise<void> => {
  await refuseExisting(siteKeyFiles(keyFile));
  const passphrase = options.passphrase ? await newPassphrase(options, io, deps) : undefined;
  io.stderr.write(
    options.algorithm === 'rsa4096' ? 'making an RSA-4096 key, which takes some seconds\n' : '',
  );
  const { name = '', email, algorithm, expires } = options;
  const key = await generateSiteKey({ name, email, algorithm, lifetime: expires, passphrase });
  const files = await writeSiteKey(keyFile, key);
  if (options.json === true) {
    io.stdout.write(
      `${JSON.stringify({ fingerprint: key.fingerprint, files, kibana: kibanaOf(files.publicKey) }, undefined, 2)}\n`,
    );
    return;
  }
  io.stdout.write(
    [
      `fingerprint  ${formatFingerprint(key.fingerprint)}`,
      `private key  ${files.privateKey} (readable by you alone; keep a copy in a safe place)`,
      `public key   ${files.publicKey}`,
      `revocation   ${files.revocation} (keep it apart: whoever publishes it ends the key)`,
      '',
      'For bundles that is all. Where packages are signed with it (`sign FOLDER`, `sign --resign`, strip-screenshots), Kibana has to',
      "trust this key instead of Elastic's; not otherwise, since it would refuse Elastic's packages then.",
      kibanaAdvice(files.publicKey),
    ].join('\n'),
  );
  io.stderr.write(`To trust it here: fleet-depot keys add ${files.publicKey} --expect ${key.fingerprint}\n`);
};

const newPassphrase = async (options: SignOptions, io: CommandIo, deps: SignDeps): Promise<string> => {
  const passphrase = await askPassphrase(
    'Passphrase for the new key',
    options.passphraseFile,
    deps.terminal,
    io,
  );
  if (passphrase === undefined || passphrase === '') {
    throw new DepotError('USAGE', {
      reason:
        'a new key needs a passphrase (FLEET_DEPOT_KEY_PASSPHRASE_FILE, --passphrase-file, or a terminal), or --no-passphrase',
    });
  }
  const typed =
    options.passphraseFile === undefined &&
    io.env['FLEET_DEPOT_KEY_PASSPHRASE'] === undefined &&
    io.env['FLEET_DEPOT_KEY_PASSPHRASE_FILE'] === undefined;
  if (typed && (await deps.terminal.secret('Once more')) !== passphrase) {
    throw new DepotError('USAGE', { reason: 'the two passphrases differ' });
  }
  return passphrase;
};

/** `sign --public`: the armored public key on stdout, and nothing else there. */
export const printPublicKey = async (keyFile: string, options: SignOptions, io: CommandIo): Promise<void> => {
  const { fingerprint, publicKey } = await readSitePublicKey(keyFile);
  const file = siteKeyFiles(keyFile).publicKey;
  if (options.json === true) {
    io.stdout.write(`${JSON.stringify({ fingerprint, publicKey, kibana: kibanaOf(file) }, undefined, 2)}\n`);
    return;
  }
  io.stdout.write(publicKey);
  io.stderr.write(kibanaAdvice(file));
};

/** The Kibana setting for JSON output. */
export const kibanaOf = (file: string): { readonly setting: string; readonly restart: true } => ({
  setting: kibanaSetting(file),
  restart: true,
});
