import { STATUS_CODES, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Log } from '../telemetry/log.ts';

const statusOf: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/**
 * Answers what is no HTTP request that a handler could see: a malformed one 400, too many header bytes 431, a slow one 408,
 * CONNECT 405. Logged at debug: port scanners must not fill the log.
 */
export const answerBadRequests = (server: Server, log: Log): void => {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    log.debug({ 'event.action': 'bad-request', 'error.code': error.code }, `not a request: ${error.message}`);
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    answer(socket, statusOf[error.code ?? ''] ?? 400, '');
  });
  server.on('connect', (_request, socket) => {
    answer(socket, 405, 'Allow: GET, HEAD\r\n');
  });
};

const answer = (socket: Duplex, status: number, headers: string): void => {
  // A client may be gone before it reads this; that is its affair.
  socket.on('error', () => socket.destroy());
  const text = `${(STATUS_CODES[status] ?? '').toLowerCase()}\n`;
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers}Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `X-Content-Type-Options: nosniff\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
    () => socket.destroy(),
  );
};
