import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** What a proxy does for CONNECT: carries bytes between its client and a place. The new socket is added to `sockets`. */
export function tunnel(client: Duplex, head: Buffer, host: string, port: number, sockets: Set<Socket>): void {
  const outgoing = connect(port, host, () => {
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    outgoing.write(head);
    outgoing.pipe(client).pipe(outgoing);
  });
  sockets.add(outgoing);
  outgoing.on('error', () => client.destroy());
  client.on('error', () => outgoing.destroy());
}
