import { temporaryBeside } from '../../src/files/temporary.ts';

/** Names of temporary files beside a target: of this process, which is at it, and of others. */
export interface TemporaryNames {
  readonly mine: string;
  /** Of a process that is gone. */
  readonly killed: string;
  /** Of an earlier process that had this one's number. */
  readonly earlier: string;
  /** Of a process on another machine, of which only the file's age can tell. */
  readonly foreign: string;
}

export const temporaryNames = async (target: string): Promise<TemporaryNames> => {
  const mine = await temporaryBeside(target);
  const [, stem = '', machine = '', pid = '', started = '', end = ''] =
    /^(.*\.)([0-9a-f]{8})-(\d+)-(\d*)-([0-9a-f]{8}\.tmp)$/s.exec(mine) ?? [];
  return {
    mine,
    killed: `${stem}${machine}-4194303-${started}-${end}`,
    earlier: `${stem}${machine}-${pid}-1-${end}`,
    foreign: `${stem}01234567-${pid}-${started}-${end}`,
  };
};
