import { connect } from 'node:net';
import { once } from 'node:events';

/** A client that takes its answer bit by bit. */
export interface SlowClient {
  /** Bytes taken until now, headers included. */
  taken(): number;
  leave(): void;
}

const perTick = 1024;

/** Asks for `path` and reads `bytesPerSecond` of the answer, for as long as it is left alone. */
export async function startSlowClient(
  url: string,
  path: string,
  bytesPerSecond: number,
): Promise<SlowClient> {
  const { hostname, port } = new URL(url);
  let taken = 0;
  const socket = connect({
    host: hostname,
    port: Number(port),
    onread: {
      buffer: Buffer.alloc(perTick),
      callback: (count) => {
        taken += count;
        // Reads no more until the next tick.
        return false;
      },
    },
  });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`);
  const timer = setInterval(() => socket.resume(), (1000 * perTick) / bytesPerSecond);
  return {
    taken: () => taken,
    leave: () => {
      clearInterval(timer);
      socket.destroy();
    },
  };
}
