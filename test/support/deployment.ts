import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { variableOf } from '../../src/config/setting.ts';
import { settingRows } from '../../src/config/settings.ts';

export type Tree = Readonly<Record<string, unknown>>;

const root = process.cwd();

/** Where a file of the checkout lies. */
export const placeOf = (...path: string[]): string => join(root, ...path);

export const read = (...path: string[]): string => readFileSync(placeOf(...path), 'utf8');

export const yaml = (...path: string[]): Tree => loadAll(read(...path))[0] as Tree;

/** The value at a path of keys and positions; undefined where there is none. */
export const at = (tree: unknown, ...path: (string | number)[]): unknown =>
  path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? (value as Tree)[String(key)] : undefined),
    tree,
  );

export const list = (tree: unknown, ...path: (string | number)[]): readonly Tree[] =>
  (at(tree, ...path) ?? []) as readonly Tree[];

/** The variables of all settings. */
export const variables: ReadonlySet<string> = new Set(settingRows.map(([, row]) => variableOf(row.flag)));

export const dockerfile = read('Dockerfile');

/** The port that the image listens on. */
export const imagePort = /EPR_ADDRESS=0\.0\.0\.0:(\d+)/.exec(dockerfile)?.[1];
