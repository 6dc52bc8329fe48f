import { Pool } from 'undici';
import type { Dispatcher } from 'undici';
import { TunnelError } from './tunnel-error.ts';

/**
 * The connections to one proxy. Its failures get a code of their own: undici takes a bare UND_ERR_SOCKET from a tunnel
 * for a lost connection of the target and dials again for ever, as behind a gateway that demands a client certificate.
 */
export function createProxyPool(origin: URL, options: Pool.Options): Pool {
  const pool = new Pool(origin, options);
  // Of the two forms of `connect`, the one that ProxyAgent uses.
  const dialler: { connect(asked: Dispatcher.ConnectOptions): Promise<Dispatcher.ConnectData> } = pool;
  const connect = dialler.connect.bind(dialler);
  return Object.assign(pool, {
    connect: async (asked: Dispatcher.ConnectOptions) => {
      try {
        return await connect(asked);
      } catch (error) {
        throw new TunnelError(error);
      }
    },
  });
}
