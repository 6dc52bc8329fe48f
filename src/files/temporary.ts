import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { digestOf } from './digest.ts';
import { machineId, processStart } from './running-process.ts';

// What a run writes before it is whole lies beside its target and can have gigabytes. A kill leaves it, and a name of chance
// would leave it for ever: nobody could tell it from what another run writes right now. So the name says who writes it.

const form = /^\..+\.(?<machine>[0-9a-f]{8})-(?<pid>\d{1,10})-(?<started>\d{0,20})-[0-9a-f]{8}\.tmp$/;

/** A temporary name of a file for this process, another one each time. It is hidden, and no longer than any file system allows. */
export const temporaryBeside = async (target: string): Promise<string> => {
  const started = (await processStart(process.pid)) ?? '';
  const writer = `${await machineDigest()}-${process.pid}-${started}-${randomBytes(4).toString('hex')}`;
  return path.join(path.dirname(target), `.${shortName(target)}.${writer}.tmp`);
};

/** The beginning of a file's name, for people: all of it with what comes to it might be longer than file systems allow. */
const shortName = (file: string): string => [...path.basename(file)].slice(0, 40).join('');

/** The run that writes a temporary file, by its name. */
export interface TemporaryWriter {
  /** A process's number means something only on its own machine. */
  readonly isHere: boolean;
  readonly pid: number;
  readonly started: string;
}

/** Who writes a file under such a name; undefined for any other name. */
export const writerOf = async (file: string): Promise<TemporaryWriter | undefined> => {
  const { machine, pid, started = '' } = form.exec(path.basename(file))?.groups ?? {};
  return machine === undefined
    ? undefined
    : { isHere: machine === (await machineDigest()), pid: Number(pid), started };
};

const machineDigest = async (): Promise<string> => digestOf(await machineId()).slice(0, 8);

/** Removes what a failed write left. Where that can't be done either, the first failure is the one to tell of. */
export const discard = (temporary: string): Promise<void> =>
  rm(temporary, { force: true }).catch(() => undefined);
