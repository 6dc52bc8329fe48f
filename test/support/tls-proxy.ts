import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { tunnel } from './tunnel.ts';

/** A secure gateway: TLS to the proxy itself, a client certificate is demanded, CONNECT only. */
export interface TlsProxy {
  readonly port: number;
  readonly connects: {
    readonly target: string;
    readonly headers: IncomingHttpHeaders;
    readonly subject: string;
  }[];
  close(): Promise<void>;
}

export async function startTlsProxy(settings: {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}): Promise<TlsProxy> {
  const connects: TlsProxy['connects'] = [];
  const sockets = new Set<Socket>();
  const { key, cert, ca } = settings;
  const server = createServer({ key, cert, ca, requestCert: true, rejectUnauthorized: true });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
  });
  server.on('connect', (request, socket, head) => {
    const subject = (request.socket as TLSSocket).getPeerCertificate().subject.CN;
    connects.push({ target: request.url ?? '', headers: request.headers, subject: String(subject) });
    const [host = '', port = ''] = (request.url ?? '').split(':');
    tunnel(socket, head, host, Number(port), sockets);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connects,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) {
          socket.destroy();
        }
      }),
  };
}

/** A port of 127.0.0.1 that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createTcpServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** The flags of a verb that goes out through a proxy that demands a client certificate. */
export const gatewayFlags = (
  authority: { readonly file: string },
  client: { readonly certFile: string; readonly keyFile: string },
): readonly string[] => [
  '--proxy-ca',
  authority.file,
  '--proxy-client-cert',
  client.certFile,
  '--proxy-client-key',
  client.keyFile,
];
