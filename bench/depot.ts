import { spawn } from 'node:child_process';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { residentMemory, stopChild } from './child.ts';

/** The built program as its own process, with its log going to a file as in production. */
export interface Depot {
  readonly url: string;
  readonly pid: number;
  /** From the start of the process until packages were served, in seconds. */
  readonly ready: number;
  /** Resident memory in MB. */
  memory(): Promise<number>;
  stop(): Promise<void>;
}

export interface DepotOptions {
  readonly packagePaths: readonly string[];
  readonly cacheDir: string;
  /** Folder for the log. */
  readonly scratch: string;
  /** More settings: `{ 'artifacts-path': FOLDER }`. */
  readonly flags?: Readonly<Record<string, string>>;
}

const program = 'bin/fleet-depot.js';
const patience = 600_000;

/** Starts the server and waits until it serves packages. */
export async function startDepot({
  packagePaths,
  cacheDir,
  scratch,
  flags = {},
}: DepotOptions): Promise<Depot> {
  const log = await open(join(scratch, `depot-${process.hrtime.bigint()}.log`), 'a+');
  const start = performance.now();
  const words = {
    address: '127.0.0.1:0',
    'package-paths': packagePaths.join(','),
    'require-package-signatures': 'false',
    'cache-dir': cacheDir,
    // A generated folder is complete before the server starts: nothing comes in but by notification.
    'poll-interval': '0',
    ...flags,
  };
  const child = spawn(
    process.execPath,
    [
      ...profileFlags(),
      program,
      'serve',
      ...Object.entries(words).map(([flag, value]) => `-${flag}=${value}`),
    ],
    { env: { PATH: process.env['PATH'] }, stdio: ['ignore', 'ignore', log.fd] },
  );
  const stop = async (): Promise<void> => {
    await stopChild(child);
    await log.truncate();
    await log.close();
  };
  try {
    const url = await waitUntilReady(log, () => child.exitCode !== null);
    const { pid = 0 } = child;
    const ready = (performance.now() - start) / 1000;
    return { url, pid, ready, memory: () => residentMemory(pid), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** `FLEET_DEPOT_BENCH_PROFILE=DIR` writes a processor profile of each server there. */
function profileFlags(): string[] {
  const folder = process.env['FLEET_DEPOT_BENCH_PROFILE'];
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}

/** The address, as soon as the log says that packages are served. */
async function waitUntilReady(log: FileHandle, hasEnded: () => boolean): Promise<string> {
  const end = performance.now() + patience;
  let text = '';
  while (performance.now() < end) {
    const { size } = await log.stat();
    const { buffer, bytesRead } = await log.read(Buffer.alloc(size - text.length), 0, null, text.length);
    text += buffer.toString('latin1', 0, bytesRead);
    const url = /listening at (http:\/\/[\w.:]+)/.exec(text)?.[1];
    if (url !== undefined && text.includes('"index-ready"')) {
      return url;
    }
    if (hasEnded()) {
      break;
    }
    await sleep(5);
  }
  throw new Error(`the server did not become ready: ${text.slice(-2000)}`);
}
