import { DepotError } from '../domain/errors.ts';
import { asObject, isObject, type JsonObject } from '../domain/json-tree.ts';
import { parseStrictVersion } from '../domain/version.ts';
import type { Pin } from './definition.ts';
import { isPackageName } from './parse-definition.ts';

/**
 * Reads a saved list of what a Kibana has installed: the JSON of its `GET /api/fleet/epm/packages/installed` (or of
 * `/api/fleet/epm/packages`, of which only installed ones count), or plain lines `name-version` or `name@version` with
 * `#` comments. With each package comes the version that Kibana can roll it back to, where the answer names it. What was
 * made in Kibana or uploaded to it is left out, and told to `onHomemade`.
 * Throws DepotError INSTALLED_INVALID.
 */
export function parseInstalled(
  saved: string,
  place: string,
  onHomemade: (id: string) => void = () => {},
): Pin[] {
  // Windows writes a byte order mark before what it saves.
  const text = saved.replace(/^\uFEFF/, '');
  const pins = /^\s*[[{]/.test(text) ? readJson(text, place, onHomemade) : readLines(text, place);
  return [...new Map(pins.map((pin) => [`${pin.name}-${pin.version}`, pin])).values()];
}

function readLines(text: string, place: string): Pin[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    const entry = line.replace(/#.*$/, '').trim();
    if (entry === '') {
      return [];
    }
    const match = /^([a-z0-9_]+)[-@](.+)$/.exec(entry);
    return [checkPin(match?.[1], match?.[2], `line ${index + 1}`, place)];
  });
}

function readJson(text: string, place: string, onHomemade: (id: string) => void): Pin[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new DepotError('INSTALLED_INVALID', { place, reason: 'it looks like JSON, but is none' }, error);
  }
  refuseOnePage(value, place);
  return readInstalledItems(value, place).flatMap((item, index) => {
    const pins = pinsOf(item, `item ${index + 1}`, place);
    if (isHomemade(item)) {
      pins.forEach(({ name, version }) => onHomemade(`${name}-${version}`));
      return [];
    }
    return pins;
  });
}

/** Kibana answers with 15 packages unless more are asked for: a saved page must not pass for all that is installed. */
function refuseOnePage(answer: unknown, place: string): void {
  const items = listOf(answer);
  const total = isObject(answer) ? answer['total'] : undefined;
  if (items && typeof total === 'number' && total > items.length) {
    throw new DepotError('INSTALLED_INVALID', {
      place,
      reason: `it has ${items.length} of ${total} packages, which is one page; save the answer to ?perPage=${total}`,
    });
  }
}

/** The items of an answer, whichever of Kibana's forms it has. Throws DepotError INSTALLED_INVALID. */
export function readInstalledItems(answer: unknown, place: string): Record<string, unknown>[] {
  const items = listOf(answer);
  if (!items) {
    throw new DepotError('INSTALLED_INVALID', { place, reason: 'there is no list of items' });
  }
  return items
    .map((item, index) => {
      if (isObject(item)) {
        return item;
      }
      // PowerShell's ConvertTo-Json flattens what lies deeper than two levels to texts, unless -Depth says more.
      const reason = `item ${index + 1} is no object; was the answer saved as it came?`;
      throw new DepotError('INSTALLED_INVALID', { place, reason });
    })
    .filter((item) => item['status'] !== 'not_installed');
}

/** `items`, `response` of older Kibanas, the list alone, or the `item` that was asked for by its name. */
function listOf(answer: unknown): readonly unknown[] | undefined {
  if (Array.isArray(answer)) {
    return answer as unknown[];
  }
  if (!isObject(answer)) {
    return undefined;
  }
  const items = answer['items'] ?? answer['response'] ?? answer['item'];
  return Array.isArray(items) ? (items as unknown[]) : isObject(items) ? [items] : undefined;
}

/** Whether a package was made in Kibana or handed to it as a file: then no registry has to have it. */
export function isHomemade(details: Record<string, unknown>): boolean {
  const source =
    asObject(details['installationInfo'])?.['install_source'] ??
    attributesOf(details['savedObject'])?.['install_source'];
  return source === 'custom' || source === 'upload';
}

/**
 * The installed version of one item, the one that an upgrade under way (or one that failed) goes to, and the one that Kibana can
 * roll back to, as far as they are named.
 */
export function pinsOf(item: Record<string, unknown>, where: string, place: string): Pin[] {
  const { savedObject, installationInfo } = item;
  const details = [attributesOf(savedObject), asObject(installationInfo), asObject(savedObject), item];
  const find = (key: string): string | undefined =>
    details.map((one) => one?.[key]).find((value) => typeof value === 'string' && value !== '') as
      | string
      | undefined;
  // An item of the list of all packages has the newest version as its own; what is installed stands in the details.
  const versions = [find('install_version'), find('previous_version')].filter((one) => one !== undefined);
  const installed = find('version') ?? versions[0];
  return [...new Set([installed, ...versions])].map((version) =>
    checkPin(item['name'], version, where, place),
  );
}

function checkPin(name: unknown, version: unknown, where: string, place: string): Pin {
  if (
    typeof name !== 'string' ||
    !isPackageName(name) ||
    typeof version !== 'string' ||
    !parseStrictVersion(version)
  ) {
    throw new DepotError('INSTALLED_INVALID', { place, reason: `${where} has no proper name and version` });
  }
  return { name, version };
}

const attributesOf = (value: unknown): JsonObject | undefined => asObject(asObject(value)?.['attributes']);
