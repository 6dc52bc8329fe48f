import type { Kind } from './kinds.ts';

/** Groups of the help and of docs/configuration.md, in their order. */
export const sections = {
  serving: 'Serving',
  memory: 'Memory',
  tls: 'TLS',
  packages: 'Packages',
  limits: 'Limits of one package',
  caching: 'Caching by clients',
  artifacts: 'Artifacts and keys',
  operations: 'Logs, metrics and the process',
  reference: 'Of the reference only',
} as const;

/** The id of a group. */
export type Section = keyof typeof sections;

/** What a row of the table says about a setting besides its kind. */
export interface SettingRow {
  /** The reference's name where it has one; the variable is derived from it. */
  readonly flag: string;
  readonly section: Section;
  /** One sentence for the help, without full stop at the end. */
  readonly help: string;
  /** Key in config.yml, dots between levels. */
  readonly fileKey?: string;
  /** The default as an operator would write it. */
  readonly default?: string;
  /** True where the value must not be shown, and may come from a file named by the variable with `_FILE`. */
  readonly secret?: boolean;
}

/** One setting: a row and the kind that reads its text. */
export interface Setting<T> extends SettingRow {
  readonly kind: Kind<Exclude<T, undefined>>;
}

/** A setting that always has a value. */
export const setting = <T>(kind: Kind<T>, row: SettingRow & { readonly default: string }): Setting<T> => ({
  ...row,
  kind: kind as Kind<Exclude<T, undefined>>,
});

/** A setting that is undefined until somebody sets it. */
export const optional = <T>(kind: Kind<T>, row: Omit<SettingRow, 'default'>): Setting<T | undefined> => ({
  ...row,
  kind: kind as Kind<Exclude<T, undefined>>,
});

/** What messages call a setting. */
export interface SettingName {
  /** With its dash: `-tls-cert`. */
  readonly flag: string;
  /** `EPR_TLS_CERT`. */
  readonly variable: string;
}

/** The environment variable of a flag, as the reference names it: `tls-cert` is `EPR_TLS_CERT`. */
export const variableOf = (flag: string): string => `EPR_${flag.toUpperCase().replaceAll('-', '_')}`;

/** Both names of a setting, for a message. */
export const nameOf = (row: SettingRow): SettingName => ({
  flag: `-${row.flag}`,
  variable: variableOf(row.flag),
});
