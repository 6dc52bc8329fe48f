import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** The open connections of a server, and which of them have a request that runs. */
export interface Connections {
  /** Closes every connection without a running request, and each other one as soon as its last request is answered. */
  drain(): void;
  /** Closes all at once. */
  cut(): void;
  readonly running: number;
}

/**
 * Keeps count itself, because Node's `closeIdleConnections` knows neither a connection that has not sent a byte yet nor one
 * within its TLS handshake, and a probe that holds one open would hold up the stop.
 */
export const trackConnections = (server: Server): Connections => {
  const open = new Map<string, Socket>();
  const running = new Map<string, number>();
  let draining = false;

  // A TLS socket and the plain one below it have the same other end, and only that.
  const keyOf = (socket: Socket): string => `${socket.remoteAddress}|${socket.remotePort}`;
  server.on('connection', (socket: Socket) => {
    const key = keyOf(socket);
    open.set(key, socket);
    socket.once('close', () => {
      open.delete(key);
    });
  });
  server.prependListener('request', (request, response) => {
    const { socket } = request;
    const key = keyOf(socket);
    running.set(key, (running.get(key) ?? 0) + 1);
    if (draining) {
      response.setHeader('Connection', 'close');
    }
    response.once('close', () => {
      const left = (running.get(key) ?? 1) - 1;
      if (left > 0) {
        running.set(key, left);
        return;
      }
      running.delete(key);
      if (draining) {
        socket.destroySoon();
      }
    });
  });

  return {
    drain: () => {
      draining = true;
      for (const [key, socket] of open) {
        if (!running.has(key)) {
          socket.destroy();
        }
      }
    },
    cut: () => {
      for (const socket of open.values()) {
        socket.destroy();
      }
    },
    get running() {
      return [...running.values()].reduce((sum, count) => sum + count, 0);
    },
  };
};
