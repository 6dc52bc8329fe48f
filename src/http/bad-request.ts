import { STATUS_CODES, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Log } from '../telemetry/log.ts';
import type { Connections } from './connections.ts';

const statusOf: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

const allowed = 'Allow: GET, HEAD\r\n';

/** The request line of a method that Node's parser doesn't know. */
const requestLine = /^[\w!#$%&'*+.^`|~-]+ (?:\/|https?:\/\/)\S* HTTP\/1\.[01]\r\n/i;

/**
 * Answers what is no HTTP request that a handler could see: a malformed one 400, too many header bytes 431, a slow one 408,
 * CONNECT and methods that nobody knows 405. A plain request where TLS is spoken is 400 over the plain connection below, and every
 * other handshake that fails ends it. Logged at debug: port scanners must not fill the log.
 */
export const answerBadRequests = (
  server: Server,
  log: Log,
  { plainOf, isAnswered }: Pick<Connections, 'plainOf' | 'isAnswered'>,
): void => {
  server.on('clientError', (error: NodeJS.ErrnoException & { readonly rawPacket?: Buffer }, socket) => {
    log.debug({ 'event.action': 'bad-request', 'error.code': error.code }, `not a request: ${error.message}`);
    const plain = plainOf(socket as Socket);
    if (plain) {
      // A socket that speaks TLS could only encrypt, and would wait for the handshake with that, for ever.
      socket.destroy();
      if (error.code === 'ERR_SSL_HTTP_REQUEST' && plain.writable) {
        answer(plain, 400, '', 'this port speaks HTTPS; ask it with https://');
      } else {
        plain.destroy();
      }
      return;
    }
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    if (isAnswered(socket as Socket)) {
      // A second answer would be taken for that of the next request.
      (socket as Socket).destroySoon();
      return;
    }
    if (error.code === 'HPE_INVALID_METHOD' && requestLine.test(error.rawPacket?.toString('latin1') ?? '')) {
      answer(socket, 405, allowed);
      return;
    }
    answer(socket, statusOf[error.code ?? ''] ?? 400, '');
  });
  server.on('connect', (_request, socket) => {
    answer(socket, 405, allowed);
  });
};

const answer = (
  socket: Duplex,
  status: number,
  headers: string,
  line = (STATUS_CODES[status] ?? '').toLowerCase(),
): void => {
  // A client may be gone before it reads this; that is its affair.
  socket.on('error', () => socket.destroy());
  const text = `${line}\n`;
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers}Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Access-Control-Allow-Origin: *\r\nX-Content-Type-Options: nosniff\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
    () => socket.destroy(),
  );
};
