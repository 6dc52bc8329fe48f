// A program of the tests: saves an index over and over until it is killed. Arguments: folder.
import { createIndexCache } from '../../src/index/index-cache.ts';
import { createKeptLog } from '../support/kept-log.ts';
import { knownSamples, origin } from './known-samples.ts';

const cache = createIndexCache(process.argv[2] ?? '', origin, createKeptLog());
for (let count = 500; ; count = count === 500 ? 800 : 500) {
  if (!(await cache.save(knownSamples(count)))) {
    process.exit(1);
  }
  process.stdout.write('.');
}
