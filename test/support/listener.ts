import type { ExecutionContext } from 'ava';
import { listen, type Listener, type ListenerOptions } from '../../src/http/server.ts';
import { createKeptLog } from './kept-log.ts';

/** A listener on a free port of 127.0.0.1, closed after the test. */
export const startListener = async (
  t: ExecutionContext,
  options: Partial<ListenerOptions> & Pick<ListenerOptions, 'handler'>,
): Promise<Listener> => {
  const listener = await listen({
    address: { host: '127.0.0.1', port: 0 },
    setting: { flag: '-address', variable: 'EPR_ADDRESS' },
    log: createKeptLog(),
    writeStallTimeout: 60_000,
    ...options,
  });
  t.teardown(() => listener.close(0));
  return listener;
};
