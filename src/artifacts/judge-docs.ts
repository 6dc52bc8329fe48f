import { fileProblem } from '../archive/file-problem.ts';
import { good, quarantined, type Judgement } from './artifact.ts';
import { magicProblem, readBeginning } from './file-magic.ts';
import { flatProblem, type FoundFile } from './inventory.ts';

const docsName = /^[A-Za-z0-9][\w.-]*\.zip$/;

/** A zip of product docs for Kibana's assistant. */
export const judgeDocs = async (file: FoundFile): Promise<Judgement> => {
  const problem =
    flatProblem(file) ?? (docsName.test(file.path) ? await zipProblem(file) : 'is no zip of product docs');
  return problem === undefined ? good() : quarantined([problem]);
};

const zipProblem = async (file: FoundFile): Promise<string | undefined> => {
  try {
    return magicProblem('zip', await readBeginning(file.absolute));
  } catch (error) {
    return `cannot be read: ${fileProblem(error)}`;
  }
};
