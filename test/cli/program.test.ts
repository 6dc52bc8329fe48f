import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import test from 'ava';
import { Command } from 'commander';
import { verbs } from '../../src/cli/verbs.ts';
import { settingRows } from '../../src/config/settings.ts';
import { runCommand } from '../support/command.ts';
import { scratch } from '../support/scratch.ts';

const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { readonly version: string };

test('every spelling of the version flag prints the version and nothing else', async (t) => {
  for (const words of [['-version'], ['--version'], ['version'], ['serve', '-version']]) {
    t.deepEqual(await runCommand(words), { code: 0, stdout: `${version}\n`, stderr: '' }, words.join(' '));
  }
});

test('in a checkout that is not built the command says how to build it', async (t) => {
  const folder = await scratch(t);
  await mkdir(join(folder, 'bin'));
  await copyFile('package.json', join(folder, 'package.json'));
  await copyFile('bin/fleet-depot.js', join(folder, 'bin', 'fleet-depot.js'));
  const { status, stderr } = spawnSync(process.execPath, [join(folder, 'bin', 'fleet-depot.js')], {
    encoding: 'utf8',
  });
  t.is(status, 1);
  t.is(stderr, `error: the program is not built yet\nRun \`npm ci && npm run build\` in ${folder}/ first.\n`);
});

test('the help teaches verbs, and that of serve every flag with its variable', async (t) => {
  for (const words of [['--help'], ['-h'], ['-help']]) {
    const { code, stdout } = await runCommand(words);
    t.is(code, 0);
    t.regex(stdout, /Commands:\n[^]* serve [^]* health [^]*Examples:\n[^]*Exit codes:/);
  }
  const { code, stdout } = await runCommand(['serve', '--help']);
  t.is(code, 0);
  for (const [, row] of settingRows) {
    t.regex(stdout, new RegExp(`^  -${row.flag}\\b`, 'm'));
  }
  t.true(stdout.includes('EPR_TLS_MIN_VERSION'));
});

test('the list of verbs says of each what it says itself', async (t) => {
  const sink = new PassThrough();
  const io = { stdout: sink, stderr: sink, env: {}, isTerminal: false, signal: new AbortController().signal };
  for (const [name, { usage, summary, load }] of Object.entries(verbs)) {
    const program = new Command();
    (await load()).register(program, io, () => undefined);
    const help = program.createHelp();
    const [own] = help.visibleCommands(program);
    t.truthy(own, name);
    if (own) {
      t.is(`${name} ${usage}`.trim(), help.subcommandTerm(own));
      t.is(summary, help.subcommandDescription(own), name);
    }
  }
});

test('the help shows all verbs, whatever stands behind, and help with a verb that of the verb', async (t) => {
  const list = await runCommand(['--help']);
  for (const words of [['-h', 'serve'], ['help'], ['--help', 'bundle', 'create']]) {
    t.is((await runCommand(words)).stdout, list.stdout, words.join(' '));
  }
  t.deepEqual(await runCommand(['help', 'serve']), await runCommand(['serve', '--help']));
});

test('the help of every verb ends with examples, and shows short flags, too', async (t) => {
  const { stdout: all } = await runCommand(['--help']);
  const commands = all.split('Commands:')[1]?.split('Examples:')[0] ?? '';
  const names = [...commands.matchAll(/^ {2}(\w[\w-]*) /gm)]
    .map(([, name = '']) => name)
    .filter((name) => !['version', 'help'].includes(name));
  t.true(names.length >= 15, names.join());
  for (const name of names) {
    const { code, stdout } = await runCommand([name, '--help']);
    t.is(code, 0);
    t.regex(stdout, new RegExp(`Examples:\n  (?:docker|fleet-depot ${name})\\b`), name);
  }
  const create = await runCommand(['bundle', 'create', '-help']);
  t.regex(create.stdout, /^ {2}-o, -output <file>/m);
  t.regex(create.stdout, /Examples:\n  fleet-depot bundle create --from/);
});

test('with --json a script reads one document, also where nothing could be done', async (t) => {
  const folder = await scratch(t);
  const read = async (...words: readonly string[]): Promise<readonly [number | null, string, boolean]> => {
    const { code, stdout, stderr } = await runCommand(['sync', ...words, '--to', folder]);
    const { error } = JSON.parse(stdout) as { error: { code: string; message: string; advice?: string } };
    return [code, error.code, stderr.includes(error.message)];
  };
  t.deepEqual(await read('./none.yml', '--json'), [2, 'DEFINITION_UNKNOWN', true]);
  t.deepEqual(await read('lite', '-json', '-strange'), [2, 'USAGE', true]);
  t.deepEqual(await read('lite', '--json=true', '--locked'), [1, 'LOCK_INVALID', true]);
  t.is((await runCommand(['sync', './none.yml', '--json=false', '--to', folder])).stdout, '');
  t.is((await runCommand(['sync', 'lite', '--to', '', '--json'])).code, 2);
});

test('an unknown verb or flag is exit 2, with what may have been meant', async (t) => {
  const verb = await runCommand(['sreve']);
  t.is(verb.code, 2);
  t.regex(verb.stderr, /unknown command 'sreve'\n\(Did you mean serve\?\)/);
  for (const words of [['serve', '-adress', ':8080'], ['-adress=:8080']]) {
    const flag = await runCommand(words);
    t.is(flag.code, 2);
    t.regex(flag.stderr, /unknown option '--adress[^']*'\n\(Did you mean --address\?\)/);
    t.is(flag.stdout, '');
  }
  t.is((await runCommand([])).code, 2);
  const more = await runCommand(['serve', '/srv/packages']);
  t.is(more.code, 2);
  t.regex(more.stderr, /too many arguments[^]*stand behind their flag \(-package-paths DIR,/);
  t.is((await runCommand(['serve', '-address'])).code, 2);
});

test('an address that is none is exit 2 for every verb, with what may have been meant', async (t) => {
  for (const [name, words] of [
    ['the address', ['health', 'depot.example:8443']],
    ['the address', ['doctor', 'depot.example:8443']],
    ['--artifacts-url', ['doctor', 'http://depot.example', '--artifacts-url', 'depot.example:8443']],
    ['--url', ['plan', '--stack', '9.2.1', '--url', 'depot.example:8443']],
    ['--address', ['sync', 'lite', '--to', 'x', '--address', 'depot.example:8443/epr']],
  ] as const) {
    const { code, stderr } = await runCommand(words);
    t.is(code, 2, words.join(' '));
    const meant = `https://${words.at(-1)}`;
    t.is(stderr.split('\n')[0], `error: ${name} must be an http or https address, such as ${meant}`);
  }
  const { code, stderr } = await runCommand(['doctor', 'http://127.0.0.1:1', '--kibana', 'nine']);
  t.is(code, 2);
  t.regex(stderr, /^error: --kibana: 'nine' is no version such as 9\.2\.1$/m);
});

test('a file that is not there is told in words', async (t) => {
  const folder = await scratch(t);
  for (const words of [
    ['keys', 'add', 'none.asc'],
    ['verify', 'none'],
    ['sign', '--key', 'none.key', 'none'],
  ]) {
    const { code, stderr } = await runCommand(words, { cwd: folder, env: { HOME: folder } });
    t.is(code, 1, words.join(' '));
    t.regex(stderr, /^error: none(?:\.asc|\.key)?: .*no such file/m);
    t.false(stderr.includes('ENOENT:'), stderr);
  }
  const { code, stderr } = await runCommand(['verify', 'a-1.0.0.zip.sig'], { cwd: folder });
  t.is(code, 2);
  t.regex(stderr, /is a signature: name its archive, a-1\.0\.0\.zip$/m);
});

test('wrong settings are exit 2 and one line each on stderr, and nothing is served', async (t) => {
  const { code, stdout, stderr } = await runCommand(['-tls-cert', 'depot.crt', '-log-level=loud'], {
    env: { EPR_STRICT: 'maybe' },
  });
  t.is(code, 2);
  t.is(stdout, '');
  t.deepEqual(stderr.split('\n').map((line) => line.split(':')[1]).sort(), [
    ' -log-level (EPR_LOG_LEVEL)', ' -strict (EPR_STRICT)', ' -tls-key (EPR_TLS_KEY)', undefined,
  ]); // prettier-ignore
});
