import type { ServerResponse } from 'node:http';

/** What one connection has encrypted and not sent at most, in bytes; a round of the event loop for each is no burden. */
const pieceBytes = 256 * 1024;

/**
 * Ends an answer with bytes that many answers share. TLS makes an encrypted copy of all that is written, which a client that reads
 * slowly would hold for as long: there a large body is written piece by piece, each when the one before is with the system.
 */
export function endWith(response: ServerResponse, bytes: Buffer): void {
  if (!goesInPieces(response, bytes)) {
    response.end(bytes);
    return;
  }
  let position = 0;
  const writeNext = (): void => {
    const piece = bytes.subarray(position, position + pieceBytes);
    position += piece.length;
    if (position === bytes.length) {
      response.end(piece);
    } else {
      response.write(piece, (error) => {
        if (!error) {
          writeNext();
        }
      });
    }
  };
  writeNext();
}

/** Whether `endWith` would write the bytes in more than one piece. */
export const goesInPieces = ({ req }: ServerResponse, bytes: Buffer): boolean =>
  bytes.length > pieceBytes && 'encrypted' in req.socket;
