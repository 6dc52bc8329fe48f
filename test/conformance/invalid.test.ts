import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { unpackShared } from '../support/corpus.ts';
import { startServer } from '../support/server.ts';
import { sharedFolder } from '../support/shared.ts';

interface Case {
  readonly case: string;
  readonly why: string;
}

/** Our words for why the reference refuses a package. */
const words: Readonly<Record<string, RegExp>> = {
  'a folder inside the package has a hyphen in its name': /has a hyphen in its name/,
  'a fields file is no YAML list': /is no YAML list of fields|line \d+: /,
  'a required value is empty or missing': /missing|empty|wanted|needs|neither/,
  'a data stream has a type that is not known': /type is "/,
  'a data stream lacks a required field': /lacks the field|the field .* is of type/,
  'an icon or screenshot that the manifest names is missing': /which is not in the package/,
  'its version cannot be told: not taken as a package': /is not a version/,
  'format_version is missing': /format_version/,
};

const quarantineOf = async (folder: string, flags: Record<string, string>): Promise<readonly string[]> => {
  const server = await startServer({ packagePaths: [folder], flags });
  try {
    const { packages, quarantine } = await server.app.ready;
    // A folder that is not named as a version was never a package: the log says so, as the contract wants.
    const passedOver = server.lines
      .map(({ message }) => message)
      .filter((line) => line.includes('is not a version'));
    return packages.length > 0 ? [] : [...quarantine.flatMap(({ reasons }) => reasons), ...passedOver];
  } finally {
    await server.close();
  }
};

test('what the reference refuses is in quarantine, for its reason', async (t) => {
  const folder = await unpackShared(t, 'invalid');
  const file = sharedFolder('golden', 'invalid.json');
  if (folder === undefined || file === undefined) {
    return;
  }
  const admitted: string[] = [];
  for (const { case: name, why } of JSON.parse(await readFile(file, 'utf8')) as readonly Case[]) {
    const reasons = await quarantineOf(join(folder, name), {});
    const without = await quarantineOf(join(folder, name), { 'disable-package-validation': 'true' });
    if (without.length === 0) {
      admitted.push(name);
    }
    t.true(
      reasons.some((reason) => (words[why] ?? /^$/).test(reason)),
      `${name}: ${why}: ${reasons.join('; ')}`,
    );
  }
  // These break rules of validity and nothing else.
  t.deepEqual(admitted, [
    'bad_profiling_symbolizer',
    'docs_extra_files',
    'expanded',
    'input_groups_bad_data_stream',
    'missing_image_files',
    'missing_pipeline_dashes',
    'no_spec_version',
    'profiling_symbolizer',
    'wrong_kibana_filename',
  ]);
});
