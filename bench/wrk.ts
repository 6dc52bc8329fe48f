import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** What wrk saw in one run. */
export interface LoadResult {
  readonly perSecond: number;
  /** 99th percentile of the latency, in milliseconds. */
  readonly p99: number;
  /** Requests that failed, in words; none where all was well. */
  readonly faults: readonly string[];
}

export interface Load {
  /** Whole address of what is asked. */
  readonly url: string;
  readonly seconds: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A script of `askInTurn`. */
  readonly script?: string;
}

/** Asks one address over 16 connections for some seconds, from one thread. */
export async function runLoad({ url, seconds, headers = {}, script }: Load): Promise<LoadResult> {
  const words = ['-t1', '-c16', `-d${seconds}s`, '--timeout', '30s', '--latency'];
  for (const [name, value] of Object.entries(headers)) {
    words.push('-H', `${name}: ${value}`);
  }
  words.push(...(script === undefined ? [] : ['-s', script]), url);
  const { stdout } = await promisify(execFile)('wrk', words, { timeout: (seconds + 60) * 1000 });
  const faults = [/Socket errors:.*/, /Non-2xx or 3xx responses:.*/].flatMap(
    (line) => line.exec(stdout) ?? [],
  );
  return {
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]),
    p99: readTime(/ 99%\s+([\d.]+)(us|ms|s|m)/.exec(stdout)),
    faults: [...faults],
  };
}

const milliseconds: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 };

const readTime = (match: RegExpExecArray | null): number =>
  Number(match?.[1]) * (milliseconds[match?.[2] ?? ''] ?? Number.NaN);

/** A script for wrk that asks these paths one after another, for ever. */
export async function askInTurn(scratch: string, name: string, paths: readonly string[]): Promise<string> {
  const file = join(scratch, `${name}.lua`);
  const list = paths.map((path) => `  ${JSON.stringify(path)},\n`).join('');
  await writeFile(
    file,
    `local paths = {\n${list}}\nlocal at = 0\nfunction request()\n  at = at % #paths + 1\n  return wrk.format("GET", paths[at])\nend\n`,
  );
  return file;
}
