import { DepotError } from './errors.ts';

const numbered = /^(?<name>.*\D)(?<number>\d{1,9})$/;

/**
 * Refuses what has the name of a format that is read here and a higher number, as in `fleet-depot-bundle/2`. An older program that
 * called it damaged would have people repair or replace what is whole. Anything else is left to the caller. Throws FORMAT_NEWER.
 */
export const refuseNewer = (file: string, found: unknown, known: string): void => {
  const [there, here] = [numbered.exec(String(found))?.groups, numbered.exec(known)?.groups];
  if (there?.['name'] === here?.['name'] && Number(there?.['number']) > Number(here?.['number'])) {
    throw new DepotError('FORMAT_NEWER', {
      file,
      reason: `its format is ${String(found)}, this one reads ${known}`,
    });
  }
};
