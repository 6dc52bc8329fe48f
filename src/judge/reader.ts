import { stat } from 'node:fs/promises';
import { openFolderPackage } from '../source/folder-package.ts';
import type { ArchiveLimits, PackageFiles, PackageRef } from '../source/source.ts';
import { openZipPackage } from '../source/zip-package.ts';
import { judgeRef } from './judge-ref.ts';
import { createLearnedContent } from './learned-content.ts';
import type { Candidate, FromReader, JudgeRules, ToReader } from './task.ts';

/** The program of a reader process: judges what it is sent, one package after another, and ends with its parent. */
function read(): void {
  const learned = createLearnedContent();
  let rules: JudgeRules | undefined;
  const say = (message: FromReader): void => void process.send?.(message);
  // Node starts some of its threads only now, and ends the process where the system allows none: no package is to be blamed.
  let last = stat('/').then(() => say({ isLoaded: true }));
  const judge = async (candidate: Candidate): Promise<void> => {
    try {
      if (!rules) {
        throw new TypeError('a candidate came before the rules');
      }
      say({ judged: await judgeRef(candidate, rules, openPackage, learned) });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const isMissing = (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND';
      say(isMissing ? { missing: message } : { fault: message });
    }
  };
  process.on('message', (message: ToReader) => {
    if ('rules' in message) {
      rules = message.rules;
    } else {
      last = last.then(() => judge(message.candidate));
    }
  });
  process.on('disconnect', () => process.exit());
  // A terminal and some service managers signal all processes of a group: the parent decides when this one ends.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
}

/** This process has nothing else to do than to wait for its files. */
const openPackage = (ref: PackageRef, limits: ArchiveLimits): Promise<PackageFiles> =>
  (ref.kind === 'zip' ? openZipPackage : openFolderPackage)(ref.path, limits, { blocking: true });

read();
