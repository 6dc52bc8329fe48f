import test from 'ava';
import { readBaseAddress } from '../../src/cli/base-address.ts';
import { doctor } from '../../src/cli/doctor.ts';
import { health } from '../../src/cli/health.ts';
import { plan } from '../../src/cli/plan.ts';
import { DepotError } from '../../src/domain/errors.ts';
import { scratch } from '../support/scratch.ts';
import { runSyncVerb, writeDefinition } from '../support/sync-run.ts';
import { runVerb } from './verb-run.ts';

const query = 'http://127.0.0.1:9/epr?tenant=a';
const fragment = 'http://127.0.0.1:9/#/fleet';

test('what would be lost of an address is a usage error that names the flag, in every verb that puts paths behind it', async (t) => {
  const folder = await scratch(t);
  const definition = writeDefinition(folder, 'http://127.0.0.1:9');
  const sync = ['--to', folder, '--retries', '0'];
  for (const [address, what] of [
    [query, "must not have a query: leave out everything from the '?' on"],
    [fragment, "must not have a fragment: leave out everything from the '#' on"],
    ['127.0.0.1:9', 'must be an http or https address'],
  ] as const) {
    for (const flag of ['--address', '--installed']) {
      const run = await runSyncVerb([definition, ...sync, flag, address], { key: 'any' });
      if (address.startsWith('http') || flag === '--address') {
        t.is(run.exitCode, 2, `${flag} ${address}`);
        t.true(run.error?.message.includes(`${flag} ${what}`), run.error?.message);
      }
    }
    for (const flag of ['--url', '--artifacts-url', '--upstream']) {
      const run = await runVerb(plan, ['--stack', '9.2.1', flag, address]);
      if (address.startsWith('http') || flag !== '--upstream') {
        t.is(run.error?.code, 'USAGE', `${flag} ${address}`);
        t.true(run.error?.message.includes(`${flag} ${what}`), run.error?.message);
      }
    }
    t.true((await runVerb(doctor, [address])).error?.message.includes(`the address ${what}`));
    const artifacts = await runVerb(doctor, ['http://127.0.0.1:9', '--artifacts-url', address]);
    t.true(artifacts.error?.message.includes(`--artifacts-url ${what}`));
  }
  t.regex((await runVerb(health, [fragment])).error?.message ?? '', /has a fragment/);
});

test('an address is taken with its path, user and password, and no refusal shows the password', (t) => {
  t.is(readBaseAddress('https://me:s%23@h.example:1/epr/', '--address').password, 's%23');
  for (const text of ['https://me:s3cret?x@h.example', 'https://me:s3cret#@h.example', 'ftp://me:s3cret@h']) {
    const { message } = t.throws<DepotError>(() => readBaseAddress(text, '--address')) ?? {};
    t.regex(message ?? '', /--address/);
    t.notRegex(message ?? '', /s3c/);
  }
});
