import { artifactErrors } from './artifact-errors.ts';
import { depotErrors } from './depot-errors.ts';
import type { ErrorKind } from './error-kind.ts';
import { imageErrors } from './image-errors.ts';
import { packageErrors } from './package-errors.ts';
import { registryErrors } from './registry-errors.ts';
import { settingErrors } from './setting-errors.ts';
import { signingErrors } from './signing-errors.ts';
import { syncErrors } from './sync-errors.ts';
import { systemWords } from './system-error.ts';

/**
 * The one catalogue of errors, by area. A row's key is its stable code; docs/errors.md is generated from here.
 */
export const errorCatalogue = {
  ...registryErrors,
  ...packageErrors,
  ...signingErrors,
  ...settingErrors,
  ...syncErrors,
  ...depotErrors,
  ...imageErrors,
  ...artifactErrors,
} as const;

/** A code of the catalogue. */
export type ErrorCode = keyof typeof errorCatalogue;

/** Values for a message's placeholders. */
export type ErrorDetails = Readonly<Record<string, string | number>>;

/** Every error that we raise on purpose: a code of the catalogue, its filled message, and the cause. */
export class DepotError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly advice: string;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    const kind: ErrorKind = errorCatalogue[code];
    super(fill(kind.message, details), cause === undefined ? {} : { cause });
    this.name = 'DepotError';
    this.code = code;
    this.status = kind.status;
    this.advice = kind.advice;
    this.details = details;
  }
}

const fill = (template: string, details: ErrorDetails): string =>
  template.replace(/\{(\w+)\}/g, (whole, key: string) => (key in details ? String(details[key]) : whole));

/** The text of whatever was thrown: of an error of the file system what it means, of any other its message. */
export const messageOf = (error: unknown): string =>
  systemWords(error) ?? (error instanceof Error ? error.message : String(error));
