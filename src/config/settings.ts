import { artifactSettings } from './artifact-settings.ts';
import { packageSettings } from './package-settings.ts';
import { processSettings } from './process-settings.ts';
import { referenceSettings } from './reference-settings.ts';
import { servingSettings } from './serving-settings.ts';
import type { Setting } from './setting.ts';

/**
 * Every setting of the server, once: the flag, the variable, the key in config.yml, the default, the help, the type of `Config`
 * and docs/configuration.md all come from here. The names of the reference's flags and keys are kept, so that an operator's
 * compose file works unchanged. Help and page group the rows by their section, whatever file they are in.
 */
export const settings = {
  ...servingSettings,
  ...packageSettings,
  ...artifactSettings,
  ...processSettings,
  ...referenceSettings,
} as const;

/** The key of a setting in `Config`. */
export type SettingKey = keyof typeof settings;

type ValueOf<S> = S extends Setting<infer T> ? T : never;

/** All settings with their values: durations in milliseconds, sizes in bytes, paths as they were written. */
export type Config = { readonly [K in SettingKey]: ValueOf<(typeof settings)[K]> };

/** The rows with their keys, in the order of the table. */
export const settingRows: readonly (readonly [SettingKey, Setting<unknown>])[] = Object.entries(settings).map(
  ([key, row]) => [key as SettingKey, row as Setting<unknown>] as const,
);
