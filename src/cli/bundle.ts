import { registerCreate } from './bundle/create.ts';
import { registerImport } from './bundle/import.ts';
import { registerReceipt } from './bundle/receipt.ts';
import type { BundleTools } from './bundle/trust.ts';
import { registerVerify } from './bundle/verify.ts';
import type { Verb } from './verb.ts';

/** `fleet-depot bundle create|verify|import|receipt`. */
export const createBundleVerb = (tools: BundleTools): Verb => ({
  name: 'bundle',
  register(program, io, finish) {
    const bundle = program
      .command('bundle')
      .description('Carry packages and other files over an air gap in signed bundles');
    registerCreate(bundle, tools, io, finish);
    registerVerify(bundle, tools, io, finish);
    registerImport(bundle, tools, io, finish);
    registerReceipt(bundle, io, finish);
  },
});
