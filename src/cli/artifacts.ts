import { addArtifactsAuth } from './artifacts/auth.ts';
import { addArtifactsCheck } from './artifacts/check.ts';
import type { Verb } from './verb.ts';

/** `fleet-depot artifacts`: what agents, fleet-server and Defend download. */
export const artifacts: Verb = {
  name: 'artifacts',
  register: (program, io, finish) => {
    const parent = program
      .command('artifacts')
      .description('Check the files that agents download, and who may download them');
    addArtifactsCheck(parent, io, finish);
    addArtifactsAuth(parent, io, finish);
  },
};
