import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { DepotError, messageOf } from '../../domain/errors.ts';
import type { Definition, Pin } from '../../distribution/definition.ts';
import { parseInstalled } from '../../distribution/installed.ts';
import { decodeSaved } from '../../distribution/saved-text.ts';
import { askKibana } from '../../mirror/planning/kibana.ts';
import type { HttpClient } from '../../net/http.ts';
import type { RetryPolicy } from '../../net/retry.ts';
import { readBaseAddress } from '../base-address.ts';
import { readKibanaApiKey } from './kibana-api-key.ts';
import type { CommandIo } from '../verb.ts';
import type { SyncOptions } from './options.ts';

/** What is installed, by the flag or the definition. A note is written of what no registry has to have. */
export async function readInstalled(
  definition: Definition,
  options: SyncOptions,
  io: CommandIo,
  client: HttpClient,
  retry: RetryPolicy,
): Promise<readonly Pin[]> {
  const place = options.installed ?? definition.installed;
  if (place === undefined) {
    return [];
  }
  const homemade: string[] = [];
  const pins = /^https?:\/\//i.test(place)
    ? await askKibana({
        client,
        retry,
        address: readBaseAddress(place, '--installed'),
        apiKey: await readKibanaApiKey(options.kibanaApiKeyFile, io.env),
        onHomemade: (id) => homemade.push(id),
        signal: io.signal,
      })
    : await readList(options.installed ?? besideDefinition(place, definition), homemade);
  if (homemade.length > 0) {
    io.stderr.write(
      `note: made in Kibana or uploaded to it, so not asked of the registry: ${homemade.toSorted().join(', ')}\n`,
    );
  }
  return pins;
}

const readList = async (file: string, homemade: string[]): Promise<Pin[]> =>
  parseInstalled(await readText(file), file, (id) => homemade.push(id));

/** A list that a definition names lies beside it, or where the command runs. */
function besideDefinition(place: string, { label }: Definition): string {
  const beside = resolve(dirname(label), place);
  return existsSync(beside) ? beside : place;
}

async function readText(file: string): Promise<string> {
  try {
    return decodeSaved(await readFile(file));
  } catch (error) {
    throw new DepotError(
      'INSTALLED_INVALID',
      { place: resolve(file), reason: `it cannot be read: ${messageOf(error)}` },
      error,
    );
  }
}
