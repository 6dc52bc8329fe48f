// A registry on the loopback for `npm run test:image`: TLS by a CA of its own, packages signed by a key of its own, as a closed site
// has them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { root } from './prepare.js';

/** Starts it with packages of these names; returns its address, the files of its CA and its key, and `stop`. */
export const startUpstream = async (folder, packages) => {
  const { makeAuthority } = await import('../build/test/support/authority.js');
  const { writeZipPackage } = await import('../build/test/support/packages.js');
  const { createPublisher } = await import('../build/test/support/signed-packages.js');
  const publisher = await createPublisher();
  const content = join(folder, 'packages');
  mkdirSync(content, { recursive: true });
  for (const name of packages) {
    const path = await writeZipPackage(content, { name });
    writeFileSync(`${path}.sig`, await publisher.sign(readFileSync(path)));
  }
  const keyring = join(folder, 'keyring.asc');
  writeFileSync(keyring, publisher.publicKey);
  const authority = makeAuthority(join(folder, 'ca'));
  const { certFile, keyFile } = authority.issue('localhost');
  const logFile = join(folder, 'log');
  const server = spawn(
    process.execPath,
    [join(root, 'bin/fleet-depot.js'), 'serve', '-address', 'localhost:0', '-package-paths', content,
      '-cache-dir', join(folder, 'cache'), '-kibana-key', publisher.fingerprint, '-tls-cert', certFile, '-tls-key', keyFile], // prettier-ignore
    // A file: while an image is built, nobody here would read from a pipe.
    { stdio: ['ignore', 'ignore', openSync(logFile, 'w')] },
  );
  const closed = once(server, 'close');
  let address;
  while (address === undefined) {
    await pause(200);
    const log = readFileSync(logFile, 'utf8');
    if (server.exitCode !== null) {
      throw new Error(`the upstream ended: ${log}`);
    }
    address = log.includes('index-ready') ? /https:\/\/localhost:\d+/.exec(log)?.[0] : undefined;
  }
  return {
    address,
    ca: authority.file,
    keyring,
    stop: async () => {
      server.kill('SIGTERM');
      await closed;
    },
  };
};
