import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Line, Need } from './line.ts';
import { allLines } from './lines/all.ts';

/** The lines with these keys, all where none are named. Throws an error that lists the keys. */
export function chooseLines(keys: readonly string[]): readonly Line[] {
  const unknown = keys.find((key) => !allLines.some((line) => line.key === key));
  if (unknown !== undefined) {
    throw new Error(`there is no line ${unknown}; there are ${allLines.map(({ key }) => key).join(', ')}`);
  }
  return keys.length === 0 ? allLines : allLines.filter(({ key }) => keys.includes(key));
}

/** What the line needs and this machine lacks. */
export const missingNeeds = ({ needs }: Line): Need[] => needs.filter((program) => !isInstalled(program));

function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
