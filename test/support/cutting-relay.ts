import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';

/** A wire that tears: its first connection ends after so many bytes of answers; all later ones are whole. */
export const startCuttingRelay = async (
  t: ExecutionContext,
  target: string,
  bytes: number,
): Promise<string> => {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let isFirst = true;
  const server = createServer((client) => {
    const cuts = isFirst;
    isFirst = false;
    const upstream = connect(Number(port), hostname);
    sockets.add(client).add(upstream);
    let passed = 0;
    upstream.on('data', (chunk: Buffer) => {
      passed += chunk.length;
      client.write(chunk);
      if (cuts && passed > bytes) {
        client.destroy();
        upstream.destroy();
      }
    });
    upstream.on('end', () => client.end());
    upstream.on('error', () => client.destroy());
    client.on('error', () => upstream.destroy());
    client.on('close', () => upstream.destroy());
    client.pipe(upstream);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    sockets.forEach((socket) => socket.destroy());
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};
