import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { fetchFleetServerKey, type AgentSettings } from './agent-client.ts';

/** What stands in for a fleet-server's endpoint of the key. */
export interface FleetServerOptions {
  /** `server.pgp.upstream_url`. */
  readonly upstreamUrl: string;
  /** Its folder of upgrade keys. */
  readonly keys: string;
  /** Files of its own TLS. */
  readonly tls: { readonly cert: string; readonly key: string };
  /** CA and proxy of its environment. */
  readonly outgoing?: Partial<AgentSettings>;
}

/**
 * Serves the key as fleet-server does: from memory, else from `default.pgp` (of mode 0600), else from upstream, which must answer
 * 200 and is stored without a look at what came. The version in the address doesn't matter.
 */
export const startFleetServer = async (t: ExecutionContext, options: FleetServerOptions): Promise<string> => {
  const file = join(options.keys, 'default.pgp');
  let memory: string | undefined;
  const fromDisk = async (): Promise<string | undefined> => {
    const stats = await stat(file).catch(() => undefined);
    if (stats && (stats.mode & 0o777) !== 0o600) {
      throw new Error('default.pgp has not the mode 0600');
    }
    return stats && readFile(file, 'utf8');
  };
  const fromUpstream = async (): Promise<string> => {
    const key = await fetchFleetServerKey(options.upstreamUrl, options.outgoing);
    await writeFile(file, key);
    await chmod(file, 0o600);
    return key;
  };
  const tls = { cert: await readFile(options.tls.cert), key: await readFile(options.tls.key) };
  const server: Server = createServer(tls, (request, response) => {
    const answer = async (): Promise<void> => {
      if (!/^\/api\/agents\/upgrades\/\d+\.\d+\.\d+\/pgp-public-key$/.test(request.url ?? '')) {
        response.writeHead(404).end();
        return;
      }
      try {
        memory ??= (await fromDisk()) ?? (await fromUpstream());
        response.writeHead(200).end(memory);
      } catch (error) {
        response.writeHead((error as NodeJS.ErrnoException).code === 'ECONNREFUSED' ? 503 : 500).end();
      }
    };
    void answer();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve());
  });
  t.teardown(() => server.close());
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
};
