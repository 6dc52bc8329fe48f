import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';

const run = promisify(execFile);

const hasGnupg = ((): boolean => {
  try {
    execFileSync('gpg', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** A GnuPG of its own folder, which is removed with its agent at the end of the test. */
export interface Gnupg {
  /** Runs gpg; what it says on stderr is part of the answer. Rejects where it fails. */
  gpg(...args: readonly string[]): Promise<{ readonly stdout: string; readonly stderr: string }>;
  /** Makes a key without passphrase and returns its armored public key. */
  generate(userId: string, algorithm: string, ...more: readonly string[]): Promise<string>;
  /** An armored detached signature over the data. */
  sign(userId: string, data: Uint8Array, ...more: readonly string[]): Promise<string>;
  /** Whether `gpg --verify` takes it, and all that it says. */
  verify(data: Uint8Array, signature: string): Promise<{ readonly ok: boolean; readonly status: string }>;
  importKey(armored: string): Promise<void>;
}

/** Opens a fresh GnuPG, or says in the log that there is none: then the test has to pass by itself. */
export const openGnupg = async (t: ExecutionContext): Promise<Gnupg | undefined> => {
  if (!hasGnupg) {
    t.log('skipped: there is no gpg on this machine');
    return undefined;
  }
  const home = await mkdtemp(join(tmpdir(), 'gpg-'));
  const environment = { ...process.env, GNUPGHOME: home, LC_ALL: 'C' };
  const gpg: Gnupg['gpg'] = (...args) =>
    run('gpg', ['--batch', '--yes', '--no-tty', '--pinentry-mode', 'loopback', '--passphrase', '', ...args], {
      env: environment,
    });
  t.teardown(async () => {
    await run('gpgconf', ['--kill', 'all'], { env: environment }).catch(() => undefined);
    await rm(home, { recursive: true, force: true });
  });
  return {
    gpg,
    generate: async (userId, algorithm, ...more) => {
      await gpg(...more, '--quick-generate-key', userId, algorithm, 'sign', 'never');
      return (await gpg('--armor', '--export', userId)).stdout;
    },
    sign: async (userId, data, ...more) => {
      const file = join(home, 'data');
      await writeFile(file, data);
      await gpg(...more, '--local-user', userId, '--armor', '--output', `${file}.sig`, '--detach-sign', file);
      return readFile(`${file}.sig`, 'utf8');
    },
    verify: async (data, signature) => {
      const file = join(home, 'checked');
      await writeFile(file, data);
      await writeFile(`${file}.sig`, signature);
      return gpg('--status-fd', '1', '--verify', `${file}.sig`, file).then(
        ({ stdout, stderr }) => ({ ok: true, status: stdout + stderr }),
        (error: { stdout: string; stderr: string }) => ({ ok: false, status: error.stdout + error.stderr }),
      );
    },
    importKey: async (armored) => {
      await writeFile(join(home, 'import.asc'), armored);
      await gpg('--import', join(home, 'import.asc'));
    },
  };
};
