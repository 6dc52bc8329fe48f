// The yardstick: what `node:http` does with ready bytes, and nothing else. Runs in its own process.
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import type { BareAnswer } from './bare.ts';

interface Ready {
  readonly head: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
}

const answers = new Map<string, Ready>();

const server = createServer((request, response) => {
  const answer = answers.get(request.url ?? '');
  if (answer) {
    response.writeHead(200, answer.head);
    response.end(answer.bytes);
  } else {
    response.writeHead(404).end();
  }
});

process.on('message', ({ path, file, type }: BareAnswer) => {
  const bytes = readFileSync(file);
  const head = { 'Content-Type': type, 'Content-Length': String(bytes.length) };
  answers.set(path, { head, bytes });
  process.send?.({ path });
});

process.on('disconnect', () => process.exit(0));

server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
