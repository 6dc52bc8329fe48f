// Many clients that download one file and throw it away; see downloads.ts. Runs in its own process.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Downloaded, DownloadOrder } from './downloads.ts';

const blankLine = '\r\n\r\n';
// All clients read into the same memory: nobody looks at it.
const memory = Buffer.alloc(256 * 1024);

interface Client {
  readonly socket: Socket;
  readonly over: Promise<unknown>;
  got(): number;
  fault(): string | undefined;
}

async function connectClient(url: URL): Promise<Client> {
  let head = '';
  let got = 0;
  let length = Infinity;
  let fault: string | undefined;
  const take = (count: number): void => {
    if (length < Infinity) {
      got += count;
    } else {
      head += memory.toString('latin1', 0, count);
      const end = head.indexOf(blankLine);
      if (end < 0) {
        return;
      }
      length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      got = head.length - end - blankLine.length;
      if (!head.startsWith('HTTP/1.1 200 ')) {
        fault = head.slice(0, head.indexOf('\r'));
      }
    }
    if (got >= length) {
      socket.destroy();
    }
  };
  const socket = connect({
    host: url.hostname,
    port: Number(url.port),
    onread: {
      buffer: memory,
      callback: (count) => {
        take(count);
        return true;
      },
    },
  });
  socket.on('error', (error) => {
    fault ??= error.message;
  });
  await once(socket, 'connect');
  socket.once('end', () => {
    fault ??= got < length ? 'the connection was ended before the file was whole' : undefined;
  });
  return {
    socket,
    over: new Promise((resolve) => {
      socket.once('close', resolve);
    }),
    got: () => got,
    fault: () => fault,
  };
}

async function downloadAll({ url: text, clients, seconds }: DownloadOrder): Promise<Downloaded> {
  const url = new URL(text);
  const all = await Promise.all(Array.from({ length: clients }, () => connectClient(url)));
  const start = performance.now();
  for (const { socket } of all) {
    socket.write(`GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`);
  }
  const cut = new AbortController();
  await Promise.race([
    Promise.all(all.map(({ over }) => over)),
    sleep(seconds * 1000, undefined, { signal: cut.signal }),
  ]);
  cut.abort();
  const elapsed = (performance.now() - start) / 1000;
  const bytes = all.map((client) => client.got());
  const faults = new Set(all.flatMap((client) => client.fault() ?? []));
  all.forEach(({ socket }) => socket.destroy());
  return { bytes, seconds: elapsed, faults: [...faults] };
}

process.on('disconnect', () => process.exit(0));
process.once('message', (order: DownloadOrder) => {
  downloadAll(order).then(
    (answer) => process.send?.(answer),
    (error: unknown) => process.send?.({ bytes: [], seconds: 1, faults: [String(error)] }),
  );
});
