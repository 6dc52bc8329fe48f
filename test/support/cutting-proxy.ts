import { createServer, connect, type AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';

/** Hands bytes on to `url`, and cuts the first connection after `bytes` of its answer; later ones are whole. */
export const cutFirst = async (t: ExecutionContext, url: string, bytes: number): Promise<string> => {
  const { hostname, port } = new URL(url);
  let isFirst = true;
  const front = createServer((client) => {
    let left = isFirst ? bytes : Infinity;
    isFirst = false;
    const server = connect(Number(port), hostname);
    const end = (): void => {
      client.destroy();
      server.destroy();
    };
    client.pipe(server);
    server.on('data', (piece: Buffer) => {
      client.write(piece.subarray(0, Math.min(left, piece.length)));
      left -= piece.length;
      if (left <= 0) {
        client.destroySoon();
        server.destroy();
      }
    });
    server.on('error', end);
    client.on('error', end);
    client.on('close', end);
    server.on('close', () => client.destroySoon());
  });
  await new Promise<void>((resolve) => {
    front.listen(0, '127.0.0.1', () => resolve());
  });
  t.teardown(() => front.close());
  return `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
};
