import test from 'ava';
import { gunzipSync } from 'node:zlib';
import { createAnswerCache } from '../../src/answer/answer-cache.ts';
import { createAnswers } from '../../src/answer/answers.ts';
import { createPackageFileAnswers } from '../../src/answer/package-file.ts';
import { createOpenPackages } from '../../src/answer/open-packages.ts';
import { readSearchQuery } from '../../src/http/query.ts';
import { createSnapshotMaker } from '../../src/index/snapshot.ts';
import { createPackageSources } from '../../src/source/combined.ts';
import { first } from '../support/first.ts';
import { testLimits } from '../support/hostile-zips.ts';
import { createKeptLog } from '../support/kept-log.ts';
import { writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';

const emptySnapshot = createSnapshotMaker(() => undefined)(1, [], []);
const query = readSearchQuery('', false);

/** Answers over an empty registry, and how often one was made. */
const countedAnswers = () => {
  let made = 0;
  const answers = createAnswers(createAnswerCache(1024 * 1024), () => {
    made += 1;
  });
  return { answers, made: () => made };
};

test('a gzipped answer is made of the plain one where that is kept', async (t) => {
  const { answers, made } = countedAnswers();
  const plain = await answers.search(emptySnapshot, query, 'identity');
  const gzipped = await answers.search(emptySnapshot, query, 'gzip');
  t.deepEqual(gunzipSync(gzipped.bytes), plain.bytes);
  t.is(made(), 1);
});

test('where only gzipped answers are asked for, the plain bytes take no room in the cache', async (t) => {
  const { answers, made } = countedAnswers();
  await answers.search(emptySnapshot, query, 'gzip');
  await answers.search(emptySnapshot, query, 'identity');
  t.is(made(), 2);
  t.false(answers.search(emptySnapshot, query, 'gzip') instanceof Promise);
});

test('a small answer that is kept holds no larger piece of memory', async (t) => {
  const { answers } = countedAnswers();
  for (const encoding of ['identity', 'gzip'] as const) {
    const { bytes } = await answers.categories(emptySnapshot, query, false, encoding);
    t.is(bytes.buffer.byteLength, bytes.length);
  }
});

test('a small file of a package that is kept holds no larger piece of memory', async (t) => {
  const folder = await scratch(t);
  await writeZipPackage(folder);
  const source = createPackageSources([folder], testLimits, createKeptLog());
  const packages = createOpenPackages(source, { packages: 8, files: 1000 });
  t.teardown(() => packages.close());
  const ref = first((await source.list()).refs);
  const files = createPackageFileAnswers(createAnswerCache(1024 * 1024), packages, () => undefined);
  const answer = files.file({ ref } as Parameters<typeof files.file>[0], 'manifest.yml');
  for (const encoding of ['identity', 'gzip'] as const) {
    const { bytes } = await answer.body(encoding);
    t.true(bytes.buffer.byteLength <= bytes.length * 1.07, `${encoding}: ${bytes.buffer.byteLength}`);
  }
});
