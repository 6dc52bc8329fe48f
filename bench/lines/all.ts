import type { Line } from '../line.ts';
import { agentsLine } from './agents.ts';
import { answerLines } from './answers.ts';
import { archiveLines } from './archives.ts';
import { bigFileLine } from './big-file.ts';
import { memoryLines } from './memory.ts';
import { newSearchLine } from './new-search.ts';
import { newcomersLine } from './newcomers.ts';
import { slowClientsLine } from './slow-clients.ts';
import { startLines } from './start.ts';
import { syncLine } from './sync.ts';

/** The table, from the top to the bottom. */
export const allLines: readonly Line[] = [
  ...startLines,
  ...memoryLines,
  ...answerLines,
  newSearchLine,
  ...archiveLines,
  slowClientsLine,
  bigFileLine,
  agentsLine,
  newcomersLine,
  syncLine,
];
