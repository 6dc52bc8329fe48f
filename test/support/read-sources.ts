// A program of the tests: lists package paths, opens every package, reads every file, and prints what it saw as JSON.
// It is apart so that a test that runs as root can run it as somebody whom permissions hold.
import { createPackageSources } from '../../src/source/combined.ts';
import { testLimits } from './hostile-zips.ts';
import { createKeptLog } from './kept-log.ts';

const source = createPackageSources(process.argv.slice(2), testLimits, createKeptLog());
const { refs, problems } = await source.list();
const opened: Record<string, string> = {};
for (const ref of refs) {
  try {
    const files = await source.open(ref);
    for (const { path } of files.entries) {
      await files.read(path);
    }
    await files.close();
    opened[ref.label] = 'ok';
  } catch (error) {
    opened[ref.label] = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}
process.stdout.write(JSON.stringify({ opened, problems }));
