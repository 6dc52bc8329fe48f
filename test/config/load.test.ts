import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { loadConfig, type LoadedConfig } from '../../src/config/load.ts';
import { variableOf } from '../../src/config/setting.ts';
import { settingRows, type Config } from '../../src/config/settings.ts';
import { scratch } from '../support/scratch.ts';

interface Given {
  readonly env?: NodeJS.ProcessEnv;
  readonly flags?: Readonly<Record<string, string>>;
  readonly file?: string;
}

const load = async (t: ExecutionContext, given: Given): Promise<LoadedConfig> => {
  const path = join(await scratch(t), 'depot.yml');
  await writeFile(path, given.file ?? '');
  return loadConfig({
    env: given.env ?? {},
    flags: new Map(Object.entries({ config: path, ...given.flags })),
  });
};

const config = async (t: ExecutionContext, given: Given): Promise<Config> => {
  const loaded = await load(t, given);
  if (!loaded.ok) {
    throw new Error(loaded.problems.map(({ message }) => message).join('\n'));
  }
  return loaded.config;
};

const problems = async (t: ExecutionContext, given: Given): Promise<string[]> => {
  const loaded = await load(t, given);
  return loaded.ok ? [] : loaded.problems.map(({ message }) => message);
};

test('without anything set, the defaults are those of the reference', async (t) => {
  const defaults = await config(t, {});
  t.deepEqual(defaults.address, { host: 'localhost', port: 8080 });
  t.deepEqual(defaults.packagePaths, ['./packages']);
  t.is(defaults.cacheTimeIndex, 10_000);
  t.is(defaults.cacheTimeSearch, 600_000);
  t.true(defaults.requirePackageSignatures);
  t.true(defaults.allowUnknownQueryParameters);
  t.is(defaults.tlsCert, undefined);
  t.is(defaults.logType, 'ecs');
  t.true(Object.isFrozen(defaults));
});

test('a flag beats the variable, the variable beats the file, the file beats the default', async (t) => {
  const file = 'package_paths: [/from/file, /second]\ncache_time:\n  search: 1m\n';
  const env = { EPR_PACKAGE_PATHS: '/from/env, /other', EPR_CACHE_TIME_SEARCH: '2m' };
  t.deepEqual((await config(t, { file })).packagePaths, ['/from/file', '/second']);
  t.deepEqual((await config(t, { file, env })).packagePaths, ['/from/env', '/other']);
  t.deepEqual((await config(t, { file, env, flags: { 'package-paths': '/flag' } })).packagePaths, ['/flag']);
  t.is((await config(t, { file })).cacheTimeSearch, 60_000);
  t.is((await config(t, { file, env })).cacheTimeSearch, 120_000);
  t.is((await config(t, { file, env, flags: { 'cache-time-search': '3m' } })).cacheTimeSearch, 180_000);
});

test('dotted keys of the file are nested ones, and an empty variable is as if it were absent', async (t) => {
  const loaded = await config(t, {
    file: 'cache_time.index: 7s\n',
    env: { EPR_CACHE_TIME_INDEX: '', EPR_TLS_CERT: '' },
  });
  t.is(loaded.cacheTimeIndex, 7000);
  t.is(loaded.tlsCert, undefined);
});

test('a bare number is seconds in the file, and nothing elsewhere', async (t) => {
  const loaded = await config(t, { file: 'cache_time:\n  index: 90\n  search: 0\n  catch_all: 1.5\n' });
  t.deepEqual([loaded.cacheTimeIndex, loaded.cacheTimeSearch, loaded.cacheTimeCatchAll], [90_000, 0, 1500]);
  t.regex((await problems(t, { env: { EPR_CACHE_TIME_INDEX: '90' } }))[0] ?? '', /'90' is not a duration/);
  t.regex((await problems(t, { file: 'cache_time.index: -5\n' }))[0] ?? '', /'-5' is not a duration/);
  t.regex((await problems(t, { flags: { 'dry-run': 'toString' } }))[0] ?? '', /'toString' is not a boolean/);
});

test('every setting has its variable, and a bad value there is one line with flag and variable', async (t) => {
  for (const [key, row] of settingRows) {
    if (key === 'config' || ['text', 'path', 'path,…'].includes(row.kind.placeholder)) {
      continue;
    }
    const found = await problems(t, { env: { [variableOf(row.flag)]: 'no sense' } });
    t.is(found.length, 1, row.flag);
    t.true(found[0]?.startsWith(`-${row.flag} (${variableOf(row.flag)}): `), found[0]);
    t.false(found[0]?.includes('\n'));
  }
});

test('all problems are reported at once', async (t) => {
  const found = await problems(t, {
    file: 'cache_time.search: soon\n',
    env: { EPR_TLS_CERT: 'depot.crt', EPR_TLS_MIN_VERSION: '1.4' },
    flags: { address: 'nowhere', strict: 'yes' },
  });
  t.deepEqual(found.map((line) => line.split(' ', 1)[0]).sort(), [
    '-address',
    '-cache-time-search',
    '-strict',
    '-tls-key',
    '-tls-min-version',
  ]);
  t.true(found.some((line) => line.includes('cache_time.search in the configuration file')));
});

test('TLS that is half set, or a version without TLS, is refused', async (t) => {
  t.deepEqual(await problems(t, { flags: { 'tls-cert': 'a.crt' } }), [
    '-tls-key (EPR_TLS_KEY): is not set, but -tls-cert (EPR_TLS_CERT) is: HTTPS needs both',
  ]);
  t.deepEqual(await problems(t, { env: { EPR_TLS_KEY: 'a.key' } }), [
    '-tls-cert (EPR_TLS_CERT): is not set, but -tls-key (EPR_TLS_KEY) is: HTTPS needs both',
  ]);
  t.regex(
    (await problems(t, { env: { EPR_TLS_MIN_VERSION: '1.2' } }))[0] ?? '',
    /^-tls-min-version \(EPR_TLS_MIN_VERSION\): is set, but TLS is off/,
  );
  t.deepEqual(
    await problems(t, { flags: { 'tls-cert': 'a', 'tls-key': 'b', 'tls-min-version': '1.3' } }),
    [],
  );
});

test('TLS 1.0 and 1.1 are warned of once, 1.2 is not', async (t) => {
  const warnings = async (version: string): Promise<readonly string[]> => {
    const loaded = await load(t, { flags: { 'tls-cert': 'a', 'tls-key': 'b', 'tls-min-version': version } });
    return loaded.ok ? loaded.warnings : [];
  };
  t.regex((await warnings(''))[0] ?? '', /^TLS 1\.0 is accepted: -tls-min-version=1\.2 .*is recommended/);
  t.is((await warnings('1.1')).length, 1);
  t.deepEqual(await warnings('1.2'), []);
  t.deepEqual(await warnings('1.3'), []);
});

test('every flag and variable of the reference is understood', async (t) => {
  const loaded = await load(t, {
    flags: {
      'feature-proxy-mode': 'false',
      'proxy-to': 'https://epr.example',
      'proxy-allow-insecure': 'true',
    },
    env: {
      EPR_FEATURE_STORAGE_INDEXER: 'false',
      EPR_FEATURE_SQL_STORAGE_INDEXER: 'false',
      EPR_STORAGE_ENDPOINT: 'https://storage.example/',
      EPR_STORAGE_INDEXER_BUCKET_INTERNAL: 'gs://bucket',
      EPR_STORAGE_INDEXER_WATCH_INTERVAL: '1m',
    },
  });
  t.deepEqual(loaded.ok ? loaded.warnings : loaded.problems, []);
});

test('a feature of the reference that would change what is served is refused, with the way out', async (t) => {
  for (const flag of ['feature-proxy-mode', 'feature-storage-indexer', 'feature-sql-storage-indexer']) {
    const [line = '', ...more] = await problems(t, { env: { [variableOf(flag)]: 'true' } });
    t.true(line.startsWith(`-${flag} (${variableOf(flag)}): `), line);
    t.regex(line, /fetch packages with `fleet-depot sync`/);
    t.deepEqual(more, []);
  }
});

test('a feature of the reference that changes nothing here is a warning', async (t) => {
  const loaded = await load(t, {
    flags: { httpprof: 'localhost:6060', 'feature-enable-search-cache': 'true' },
    env: { EPR_FEATURE_ENABLE_CATEGORIES_CACHE: 'true' },
  });
  t.deepEqual(loaded.ok && loaded.warnings.map((line) => line.split(':', 1)[0]), [
    '-httpprof (EPR_HTTPPROF) is ignored',
    '-feature-enable-search-cache (EPR_FEATURE_ENABLE_SEARCH_CACHE) is ignored',
    '-feature-enable-categories-cache (EPR_FEATURE_ENABLE_CATEGORIES_CACHE) is ignored',
  ]);
});

test('a variable that is no setting is named, but not what Kubernetes sets for a service', async (t) => {
  const loaded = await load(t, {
    env: {
      EPR_TSL_CERT: 'a.crt',
      EPR_SQL_INDEXER_DB_INSERT_BATCH_SIZE: '10',
      EPR_PORT: 'tcp://10.0.0.7:8080',
      EPR_PORT_8080_TCP_ADDR: '10.0.0.7',
      EPR_SERVICE_HOST: '10.0.0.7',
      EPR_SERVICE_PORT_HTTP: '8080',
      OTHER: 'x',
    },
  });
  t.deepEqual(loaded.ok && loaded.warnings.map((line) => line.split(' ', 1)[0]), [
    'EPR_SQL_INDEXER_DB_INSERT_BATCH_SIZE',
    'EPR_TSL_CERT',
  ]);
});

test('the levels of the reference are taken in either case', async (t) => {
  const words = ['debug', 'INFO', 'Warn', 'warning', 'ERROR', 'dpanic', 'PANIC', 'fatal'];
  const levels = ['debug', 'info', 'warn', 'warn', 'error', 'fatal', 'fatal', 'fatal'];
  for (const [index, word] of words.entries()) {
    t.is((await config(t, { flags: { 'log-level': word } })).logLevel, levels[index] as Config['logLevel']);
  }
  t.regex(
    (await problems(t, { flags: { 'log-level': 'constructor' } }))[0] ?? '',
    /^-log-level .*not one of/,
  );
});

test('a configuration file that is absent, broken or has a strange key is named', async (t) => {
  t.regex(
    (await problems(t, { flags: { config: '/no/such/file.yml' } }))[0] ?? '',
    /^-config \(EPR_CONFIG\): \/no\/such\/file\.yml: cannot be read: there is no such file or folder$/,
  );
  t.regex((await problems(t, { file: 'a: 1\npackage_paths: [' }))[0] ?? '', /depot\.yml: line 2: /);
  t.regex((await problems(t, { file: '- a\n' }))[0] ?? '', /has no keys$/);
  t.regex(
    (await problems(t, { file: 'package_paths: [[a]]\n' }))[0] ?? '',
    /package_paths has a list of something else/,
  );
  t.regex(
    (await problems(t, { file: 'cache_time.index: [1s]\n' }))[0] ?? '',
    /^-cache-time-index .*has a list, one value is wanted$/,
  );
  const loaded = await load(t, { file: 'package_path: /typo\n' });
  t.regex((loaded.ok && loaded.warnings[0]) || '', /depot\.yml: package_path is no setting and is ignored/);
});

test('addresses are read in every form, and shown to be wrong in every other', async (t) => {
  const read = async (address: string) => (await config(t, { flags: { address } })).address;
  t.deepEqual(await read('localhost:8080'), { host: 'localhost', port: 8080 });
  t.deepEqual(await read(':8080'), { host: '', port: 8080 });
  t.deepEqual(await read('[::1]:8080'), { host: '::1', port: 8080 });
  t.deepEqual(await read('0.0.0.0:0'), { host: '0.0.0.0', port: 0 });
  for (const address of [
    'localhost',
    '8080',
    '::1:8080',
    '[x]:8080',
    'a:65536',
    'a:-1',
    'http://a:80',
    'a b:80',
  ]) {
    t.is((await problems(t, { flags: { address } })).length, 1, address);
  }
});
