// Imports an unsigned bundle in a process of its own: import-child.js DEPOT BUNDLE N. After N contents it waits for a byte on
// standard input, so that a test can kill it just there, or let it go on.
import { readSync, writeSync } from 'node:fs';
import { openBundle } from '../../src/bundle/bundle.ts';
import { importBundle } from '../../src/bundle/import.ts';
import { openOrCreateDepot, osUser } from '../../src/depot/depot.ts';

const [root = '', file = '', hold = '1'] = process.argv.slice(2);
const verifier = { verify: async () => ({ state: 'missing' as const, reason: 'no key' }) };
const bundle = await openBundle([file], { verifier, allowUnsigned: true, allowPartial: false });
const depot = await openOrCreateDepot(root, { clock: () => new Date(), user: osUser });
let done = 0;
await depot.change('bundle import', () =>
  importBundle(bundle, depot, (bytes) => {
    writeSync(1, `${bytes}\n`);
    done += 1;
    if (done === Number(hold)) {
      readSync(0, Buffer.alloc(1));
    }
  }),
);
writeSync(1, 'done\n');
