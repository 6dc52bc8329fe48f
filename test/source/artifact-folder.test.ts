import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test from 'ava';
import { createDirectorySource } from '../../src/source/directory.ts';
import { createZipFolderSource } from '../../src/source/zip-folder.ts';
import { testLimits } from '../support/hostile-zips.ts';
import { createKeptLog } from '../support/kept-log.ts';
import { writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';

test('the folders of the artifact registry beside the packages are passed over, by their own names only', async (t) => {
  const root = await scratch(t);
  await writeZipPackage(root, { name: 'demo' });
  for (const path of [
    'downloads/beats/filebeat/filebeat-9.2.1-windows-arm64.zip',
    'downloads/endpoint/manifest/artifacts-9.2.1.zip',
    'product-docs/kb-product-doc-kibana-9.2.zip',
    'ml-models/elser_model_2.pt',
  ]) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), 'no package');
  }
  await writeZipPackage(join(root, 'downloads'), { name: 'own' });
  const log = createKeptLog();
  const zips = await createZipFolderSource(root, testLimits, log).list();
  t.deepEqual(
    zips.refs.map(({ label }) => label),
    ['demo-1.0.0.zip', 'downloads/own-1.0.0.zip'],
  );
  t.deepEqual(zips.problems, []);
  const folders = await createDirectorySource(root, testLimits, log).list();
  t.deepEqual(folders.problems, []);
});
