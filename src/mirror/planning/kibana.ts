import { DepotError } from '../../domain/errors.ts';
import { isObject } from '../../domain/json-tree.ts';
import type { Pin } from '../../distribution/definition.ts';
import { isHomemade, pinsOf, readInstalledItems } from '../../distribution/installed.ts';
import { showUrl } from '../../net/http.ts';
import { eachConcurrently } from '../transfer/pool.ts';
import { createAsking, type Ask, type KibanaAccess } from './kibana-api.ts';

/** How a Kibana is asked for what is installed. */
export interface KibanaSettings extends KibanaAccess {
  /** Told `name-version` of what was made in that Kibana or uploaded to it, which is left out. */
  readonly onHomemade: (id: string) => void;
}

const pageSize = 200;
const maxPages = 100;
const allPackages = '/api/fleet/epm/packages';

/**
 * Asks Kibana's Fleet API what is installed, page by page, and each package for the version it can roll back to. An older
 * Kibana (7.17, early 8.x) has no such list: there the list of all packages says which are installed. Throws DepotError
 * INSTALLED_INVALID or one of the network's.
 */
export async function askKibana(settings: KibanaSettings): Promise<Pin[]> {
  const ask = createAsking(settings);
  const items = await askInstalled(ask, showUrl(settings.address));
  const pins = items ? await withPrevious(items, ask, settings) : await askOlder(ask, settings);
  return [...new Map(pins.map((pin) => [`${pin.name}-${pin.version}`, pin])).values()];
}

/** Every page of what is installed; undefined where this Kibana has no such list. */
const askInstalled = async (
  ask: Ask,
  place: string,
): Promise<readonly Record<string, unknown>[] | undefined> => {
  const items: Record<string, unknown>[] = [];
  let after = '';
  for (let page = 0; page < maxPages; page++) {
    const answer = await ask(`${allPackages}/installed?perPage=${pageSize}${after}`);
    if (answer === undefined && page === 0) {
      return undefined;
    }
    items.push(...readInstalledItems(answer, place));
    const next = isObject(answer) ? answer['searchAfter'] : undefined;
    if (!Array.isArray(next) || next.length === 0) {
      break;
    }
    after = `&searchAfter=${encodeURIComponent(JSON.stringify(next))}`;
  }
  return items;
};

/** Asks each package for what the list doesn't say: the version before, and whether it was made there. */
const withPrevious = async (
  items: readonly Record<string, unknown>[],
  ask: Ask,
  { address, onHomemade }: KibanaSettings,
): Promise<Pin[]> => {
  const place = showUrl(address);
  const pins: Pin[] = [];
  await eachConcurrently(items, 4, async (item) => {
    const installed = pinsOf(item, `package ${String(item['name'])}`, place);
    const name = installed[0]?.name;
    const isAsked = name !== undefined && installed.length === 1;
    const details = isAsked ? await ask(`${allPackages}/${name}`) : undefined;
    const detail = isObject(details) ? (details['item'] ?? details['response']) : undefined;
    if (isObject(detail) && isHomemade(detail)) {
      installed.forEach((pin) => onHomemade(`${pin.name}-${pin.version}`));
      return;
    }
    pins.push(...installed);
    // Of what was removed between the two questions, the details are those of the registry's newest.
    if (name !== undefined && isObject(detail) && detail['status'] !== 'not_installed') {
      pins.push(...pinsOf({ ...detail, name }, `package ${name}`, place));
    }
  });
  return pins;
};

/** What the list of all packages says. It has prereleases only where they are asked for, in the words of that version. */
const askOlder = async (ask: Ask, { address, onHomemade }: KibanaSettings): Promise<Pin[]> => {
  const place = showUrl(address);
  for (const query of ['?prerelease=true', '?experimental=true', '']) {
    const answer = await ask(`${allPackages}${query}`);
    if (answer !== undefined) {
      return readInstalledItems(answer, place).flatMap((item) => {
        const pins = pinsOf(item, `package ${String(item['name'])}`, place);
        if (isHomemade(item)) {
          pins.forEach((pin) => onHomemade(`${pin.name}-${pin.version}`));
          return [];
        }
        return pins;
      });
    }
  }
  throw new DepotError('INSTALLED_INVALID', {
    place,
    reason: `it has no ${allPackages}/installed (404): an address is that of Kibana with its base path, and /s/SPACE for a space`,
  });
};
