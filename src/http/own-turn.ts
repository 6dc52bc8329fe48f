import type { ServerResponse } from 'node:http';

/**
 * Waits until all answers before this one on its connection are out; undefined where it is its turn already. Node hands over all
 * requests at once that a client sends ahead: whoever opens a file for each would hold hundreds open for one connection. Resolves to
 * false where the connection has ended meanwhile.
 */
export const ownTurn = (response: ServerResponse): Promise<boolean> | undefined =>
  response.socket !== null
    ? undefined
    : new Promise((resolve) => {
        response.once('socket', () => resolve(true));
        response.once('close', () => resolve(false));
      });
