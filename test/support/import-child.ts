// Imports an unsigned bundle in a process of its own, so that a test can kill it: import-child.js DEPOT BUNDLE.
import { writeSync } from 'node:fs';
import { openBundle } from '../../src/bundle/bundle.ts';
import { importBundle } from '../../src/bundle/import.ts';
import { openOrCreateDepot, osUser } from '../../src/depot/depot.ts';

const [root = '', file = ''] = process.argv.slice(2);
const verifier = { verify: async () => ({ state: 'missing' as const, reason: 'no key' }) };
const bundle = await openBundle([file], { verifier, allowUnsigned: true, allowPartial: false });
const depot = await openOrCreateDepot(root, { clock: () => new Date(), user: osUser });
const pause = new Int32Array(new SharedArrayBuffer(4));
await depot.change('bundle import', () =>
  importBundle(bundle, depot, (bytes) => {
    writeSync(1, `${bytes}\n`);
    // Long enough for the parent to strike between two contents.
    Atomics.wait(pause, 0, 0, 15);
  }),
);
writeSync(1, 'done\n');
