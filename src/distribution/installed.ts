import { DepotError } from '../domain/errors.ts';
import { parseStrictVersion } from '../domain/version.ts';
import type { Pin } from './definition.ts';
import { isPackageName } from './parse-definition.ts';

/**
 * Reads a saved list of what a Kibana has installed: the JSON of its `GET /api/fleet/epm/packages/installed` (or of
 * `/api/fleet/epm/packages`, of which only installed ones count), or plain lines `name-version` or `name@version` with
 * `#` comments. With each package comes the version that Kibana can roll it back to, where the answer names it.
 * Throws DepotError INSTALLED_INVALID.
 */
export function parseInstalled(text: string, place: string): Pin[] {
  const pins = /^\s*[[{]/.test(text) ? readJson(text, place) : readLines(text, place);
  return [...new Map(pins.map((pin) => [`${pin.name}-${pin.version}`, pin])).values()];
}

function readLines(text: string, place: string): Pin[] {
  return text.split('\n').flatMap((line, index) => {
    const entry = line.replace(/#.*$/, '').trim();
    if (entry === '') {
      return [];
    }
    const match = /^([a-z0-9_]+)[-@](.+)$/.exec(entry);
    return [checkPin(match?.[1], match?.[2], `line ${index + 1}`, place)];
  });
}

function readJson(text: string, place: string): Pin[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new DepotError('INSTALLED_INVALID', { place, reason: 'it looks like JSON, but is none' }, error);
  }
  return readInstalledItems(value, place).flatMap((item, index) => pinsOf(item, `item ${index + 1}`, place));
}

/** The items of an answer, whichever of Kibana's forms it has. Throws DepotError INSTALLED_INVALID. */
export function readInstalledItems(answer: unknown, place: string): Record<string, unknown>[] {
  const items = Array.isArray(answer)
    ? (answer as unknown[])
    : isRecord(answer)
      ? (answer['items'] ?? answer['response'])
      : undefined;
  if (!Array.isArray(items)) {
    throw new DepotError('INSTALLED_INVALID', { place, reason: 'there is no list of items' });
  }
  return (items as unknown[])
    .filter((item) => isRecord(item))
    .filter((item) => item['status'] !== 'not_installed');
}

/** The installed version of one item, and the one before it where it is named. */
export function pinsOf(item: Record<string, unknown>, where: string, place: string): Pin[] {
  const details = [
    item,
    item['installationInfo'],
    item['savedObject'],
    attributesOf(item['savedObject']),
  ].filter((one) => isRecord(one));
  const find = (key: string): unknown =>
    details.map((one) => one[key]).findLast((value) => typeof value === 'string');
  // An item of the list of all packages has the newest version as its own; what is installed stands in the details.
  const installed =
    find('install_version') ??
    attributesOf(item['savedObject'])?.['version'] ??
    recordOf(item['installationInfo'])?.['version'] ??
    item['version'];
  const current = checkPin(item['name'], installed, where, place);
  const previous = find('previous_version');
  if (typeof previous !== 'string' || previous === '' || previous === current.version) {
    return [current];
  }
  return [current, checkPin(item['name'], previous, where, place)];
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

const recordOf = (value: unknown): Record<string, unknown> | undefined =>
  isRecord(value) ? value : undefined;
const attributesOf = (value: unknown): Record<string, unknown> | undefined =>
  recordOf(recordOf(value)?.['attributes']);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
