import test from 'ava';
import { unreadable } from '../../src/archive/file-problem.ts';
import { judgeRef, type OpenPackage } from '../../src/judge/judge-ref.ts';
import { createLearnedContent } from '../../src/judge/learned-content.ts';
import type { JudgeRules } from '../../src/judge/task.ts';
import { createPackageSources } from '../../src/source/combined.ts';
import { openZipPackage } from '../../src/source/zip-package.ts';
import { testLimits } from '../support/hostile-zips.ts';
import { createKeptLog } from '../support/kept-log.ts';
import { writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';

const rules: JudgeRules = {
  limits: testLimits,
  validate: false,
  signatures: { policy: 'off', foreign: 'hide', keys: [], kibanaKey: '' },
};
const broken = (): never => {
  throw unreadable('its file', Object.assign(new Error('EIO'), { code: 'EIO' }));
};

test('what the disk cannot read, at once or in the middle, is no judgement on the package', async (t) => {
  const folder = await scratch(t);
  await writeZipPackage(folder, { name: 'one' });
  const [ref] = (await createPackageSources([folder], testLimits, createKeptLog()).list()).refs;
  if (ref === undefined) {
    t.fail('no package was found');
    return;
  }
  const open: OpenPackage = ({ path }, limits) => openZipPackage(path, limits, { blocking: true });
  const opens: Readonly<Record<string, OpenPackage>> = {
    'at once': () => Promise.resolve().then(broken),
    'in the middle': async (...args) => {
      const files = await open(...args);
      return {
        ...files,
        has: (path) => files.has(path),
        close: () => files.close(),
        read: broken,
        readDeflated: broken,
      };
    },
  };
  for (const [when, failing] of Object.entries(opens)) {
    const judged = await judgeRef({ ref, digest: undefined }, rules, failing, createLearnedContent());
    t.true(judged.isUnread, when);
    t.is(judged.found, undefined, when);
    t.deepEqual(judged.reasons, ['its file cannot be read: the disk answers with an error'], when);
  }
  t.truthy((await judgeRef({ ref, digest: undefined }, rules, open, createLearnedContent())).found);
});
