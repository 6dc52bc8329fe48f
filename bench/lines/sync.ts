import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mostMemory } from '../child.ts';
import { median, type Finding } from '../finding.ts';
import type { Line } from '../line.ts';
import { startNginx } from '../nginx.ts';
import type { Stage } from '../stage.ts';
import { showNumber } from '../table.ts';
import { layOutFiles, signCorpus } from '../upstream.ts';

/** All packages from a server on this machine with `sync`, verified, beside `curl --parallel` with the same addresses. */
export const syncLine: Line = {
  key: 'sync',
  needs: ['curl', 'nginx'],
  run: measure,
};

interface SearchItem {
  readonly download: string;
  readonly signature_path?: string;
}

/** What the two are asked to bring, and from where. */
interface Job {
  readonly stage: Stage;
  readonly url: string;
  readonly paths: readonly string[];
  readonly keyFile: string;
}

interface Run {
  readonly seconds: number;
  /** MB */
  readonly memory: number;
}

async function measure(stage: Stage): Promise<Finding[]> {
  const signed = await signCorpus(stage);
  const { folder, keyFile } = signed;
  const depot = await stage.ownDepot([folder], await stage.warmCache([folder]));
  try {
    const search = await (await fetch(`${depot.url}/search?all=true&prerelease=true`)).text();
    const items = JSON.parse(search) as readonly SearchItem[];
    const paths = items.flatMap((item) => [item.download, item.signature_path ?? `${item.download}.sig`]);
    const nginx = await startNginx(
      await layOutFiles(stage, signed, search, paths),
      await stage.emptyFolder(),
    );
    try {
      const own = await inTurn({ stage, url: depot.url, paths, keyFile });
      const files = await inTurn({ stage, url: nginx.url, paths, keyFile });
      const bytes = stage.corpus.archives.reduce((sum, archive) => sum + archive.bytes, 0);
      const rate = (runs: readonly Run[]): number => bytes / 1e6 / median(runs.map(({ seconds }) => seconds));
      const title = `sync of ${showNumber(items.length)} signed packages`;
      return [
        {
          key: 'sync',
          title,
          unit: 'MB/s',
          value: rate(own.sync),
          yardstick: { name: 'curl', value: rate(own.curl) },
          wanted: { of: 'ratio', least: 0.6 },
          faults: [],
          note: `from nginx ${showNumber(rate(files.sync))} MB/s, ${(rate(files.sync) / rate(files.curl)).toFixed(2)} of curl's ${showNumber(rate(files.curl))} MB/s`,
        },
        {
          key: 'sync',
          title: `${title}: memory`,
          unit: 'MB',
          value: Math.max(...own.sync.map(({ memory }) => memory)),
          wanted: { of: 'value', most: 200 },
          faults: [],
        },
      ];
    } finally {
      await nginx.stop();
    }
  } finally {
    await depot.stop();
  }
}

/** curl, sync, curl, sync; a first pair that nobody counts has the server's caches warm. */
async function inTurn(job: Job): Promise<{ readonly curl: Run[]; readonly sync: Run[] }> {
  const { scratch, options } = job.stage;
  const definition = join(scratch, 'all.yml');
  await writeFile(definition, 'queries:\n  - all: true\n    prerelease: true\n');
  const list = join(scratch, 'curl.txt');
  const lines = job.paths.map((path) => `url = "${job.url}${path}"\noutput = "${path.split('/').at(-1)}"\n`);
  await writeFile(list, lines.join(''));
  const to = join(scratch, 'fetched');
  const curl = (): Promise<Run> => timed(to, 'curl', ['-sS', '--fail', '--parallel', '--config', list]);
  // The bench's own key, the address of this machine, and no question for each size, which curl doesn't ask either.
  const words = ['sync', definition, '--address', job.url, '--keyring', job.keyFile, '--to', to, '--quiet'];
  const program = join(process.cwd(), 'bin', 'fleet-depot.js');
  const sync = (): Promise<Run> =>
    timed(to, process.execPath, [program, ...words], async () => {
      const lock = JSON.parse(await readFile(join(to, 'distribution.lock'), 'utf8')) as {
        packages: unknown[];
      };
      if (lock.packages.length * 2 !== job.paths.length) {
        throw new Error(`sync brought ${lock.packages.length} packages, not ${job.paths.length / 2}`);
      }
    });
  const runs = { curl: [await curl()], sync: [await sync()] };
  for (let round = 0; round < options.rounds; round++) {
    runs.curl.push(await curl());
    runs.sync.push(await sync());
  }
  return { curl: runs.curl.slice(1), sync: runs.sync.slice(1) };
}

/** Runs a program in an empty folder, which is removed after. */
async function timed(
  folder: string,
  program: string,
  words: readonly string[],
  check?: () => Promise<void>,
): Promise<Run> {
  await mkdir(folder, { recursive: true });
  try {
    const start = performance.now();
    const child = spawn(program, words, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    let told = '';
    child.stderr.on('data', (bytes: Buffer) => (told = `${told}${bytes.toString()}`.slice(-2000)));
    let end = start;
    child.once('exit', () => (end = performance.now()));
    const ended = once(child, 'exit');
    const memory = await mostMemory(child.pid ?? 0, ended);
    const [code] = (await ended) as unknown[];
    if (code !== 0) {
      throw new Error(`${program} ended with ${String(code)}: ${told}`);
    }
    await check?.();
    return { seconds: (end - start) / 1000, memory };
  } finally {
    await rm(folder, { recursive: true });
  }
}
