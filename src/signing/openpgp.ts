import type * as Openpgp from 'openpgp';

/** The whole OpenPGP library. */
export type OpenpgpModule = typeof Openpgp;

/** Loads the OpenPGP library when it is first needed: it costs about 100 ms, which most verbs never have to pay. */
export const loadOpenpgp = (): Promise<OpenpgpModule> => import('openpgp');
