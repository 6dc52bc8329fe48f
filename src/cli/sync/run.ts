import type { Command } from 'commander';
import type { Definition } from '../../distribution/definition.ts';
import type { HttpClient } from '../../net/http.ts';
import type { LoadSigner } from '../signer-loader.ts';
import type { SyncOptions } from './options.ts';
import type { CommandIo } from '../verb.ts';

/** Where the verb's trust comes from: the keyring is another part's business. */
export interface SyncTrust {
  /** Adds flags such as --keyring. */
  addOptions(command: Command): void;
  /** The keys that are trusted already, armored; nothing is fetched. */
  knownKeys(options: Readonly<Record<string, unknown>>, io: CommandIo): Promise<readonly string[]>;
  /** The keys to trust, armored; `client` may be used to fetch a pinned key the first time. */
  armoredKeys(
    options: Readonly<Record<string, unknown>>,
    io: CommandIo,
    client: HttpClient,
  ): Promise<readonly string[]>;
}

/** What every part of a run works with. */
export interface SyncRun {
  readonly definition: Definition;
  readonly options: SyncOptions;
  readonly io: CommandIo;
  readonly client: HttpClient;
  readonly concurrency: number;
  readonly trust: SyncTrust;
  readonly loadSigner: LoadSigner;
}
