import { fork, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { logLines } from '../support/log-lines.ts';
import { scratch } from '../support/scratch.ts';
import { smallDisk } from '../support/small-disk.ts';

const count = 6000;
const writer = fileURLToPath(new URL('../support/log-writer.js', import.meta.url));

/** What a process wrote that writes these lines with its standard error going to a file. */
const writeTo = async (file: string, ...words: string[]): Promise<string> => {
  const handle = openSync(file, 'a');
  spawnSync(process.execPath, [writer, String(count), ...words], { stdio: ['ignore', 'ignore', handle] });
  closeSync(handle);
  return readFile(file, 'utf8');
};

test('lines come whole and in their order, also at the end of the process', async (t) => {
  const text = await writeTo(join(await scratch(t), 'log'));
  t.true(text === logLines(count).join(''));
});

test('where a disk is full for a while, no line is lost, torn or written over', async (t) => {
  const disk = await smallDisk(t, 'size=2m');
  if (disk === undefined) {
    t.pass();
    return;
  }
  const filler = join(disk, 'filler');
  await writeFile(filler, Buffer.alloc(1_900_000));
  const text = await writeTo(join(disk, 'log'), filler);
  t.true(text === logLines(count).join(''));
});

/** Both ends of something that a process can have as its standard error: where to write, and what comes out once somebody reads. */
interface Channel {
  readonly writeEnd: number | 'pipe';
  reader(child: ChildProcess): Readable | null;
}

/** A socket: what Node gives its children, and systemd its services. */
const socket = (): Channel => ({ writeEnd: 'pipe', reader: ({ stderr }) => stderr });

/** A pipe: what shells and container engines give. */
const pipe = async (t: ExecutionContext): Promise<Channel> => {
  const path = join(await scratch(t), 'pipe');
  spawnSync('mkfifo', [path]);
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeEnd = openSync(path, 'w');
  return {
    writeEnd,
    reader: () => {
      closeSync(writeEnd);
      return new Socket({ fd: readEnd, readable: true, writable: false });
    },
  };
};

for (const [kind, open] of Object.entries({ socket, pipe })) {
  test(`a ${kind} that nobody reads stops nothing: lines are dropped and counted, and the log says where they are missing`, async (t) => {
    const { writeEnd, reader } = await open(t);
    const child = fork(new URL('../support/log-flood.js', import.meta.url), {
      stdio: ['ignore', 'ignore', writeEnd, 'ipc'],
    });
    t.teardown(() => child.kill('SIGKILL'));
    const ended = once(child, 'exit');
    const [dropped] = (await once(child, 'message')) as [number];
    t.true(dropped >= 1000);

    const lines: Readonly<Record<string, unknown>>[] = [];
    for await (const line of createInterface({ input: reader(child) ?? process.stdin })) {
      lines.push(JSON.parse(line) as Record<string, unknown>);
      if (lines.at(-1)?.['event.action'] === 'log-gap' && child.connected) {
        child.disconnect();
      }
    }
    t.deepEqual(await ended, [0, null]);
    const numbers = lines.flatMap(({ number }) => (typeof number === 'number' ? [number] : []));
    const gapAt = numbers.findIndex((number, at) => number !== at);
    const gap = Number(lines.find((line) => line['event.action'] === 'log-gap')?.['fleet_depot.log.dropped']);
    t.true(gap >= dropped);
    t.deepEqual(
      numbers.slice(gapAt),
      numbers.slice(gapAt).map((_, at) => gapAt + gap + at),
      'one gap, of as many lines as are said to be missing',
    );
  });
}
