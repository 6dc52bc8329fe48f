import test from 'ava';
import { Command } from 'commander';
import { addSettings, rewriteArguments } from '../../src/cli/flags.ts';

const program = new Command('fleet-depot');
addSettings(program.command('serve'));
program
  .command('index')
  .command('build')
  .option('--json', 'as JSON')
  .option('--out <path>', 'file')
  .option('--no-sizes', 'leave sizes out');

const rewritten = (line: string): string =>
  rewriteArguments(line.split(' ').filter(Boolean), program).join(' ');

test('the flags of Go become those of commander, with their values attached', (t) => {
  t.is(rewritten('serve -address :8080'), 'serve --address=:8080');
  t.is(rewritten('serve -address=:8080 --config x.yml'), 'serve --address=:8080 --config=x.yml');
  t.is(rewritten('serve -path-prefix -strange'), 'serve --path-prefix=-strange');
  t.is(rewritten('serve -address'), 'serve --address');
});

test('a boolean flag alone is true and never takes the next word', (t) => {
  t.is(rewritten('serve -strict -dry-run=false'), 'serve --strict=true --dry-run=false');
  t.is(rewritten('serve -strict false'), 'serve --strict=true false');
  t.is(rewritten('index build -json -out x'), 'index build --json --out=x');
});

test('a flag that takes no value may be said as in Go, also the one that is on unless it is refused', (t) => {
  t.is(rewritten('index build -json=true --json=false'), 'index build --json');
  t.is(rewritten('index build -sizes=false'), 'index build --no-sizes');
  t.is(rewritten('index build --sizes --sizes=true --no-sizes'), 'index build --no-sizes');
  t.is(rewritten('index build --no-sizes=false --json=perhaps'), 'index build --json=perhaps');
});

test('flags without a verb go to serve, help does not', (t) => {
  t.is(rewritten('-address :8080'), 'serve --address=:8080');
  t.is(rewritten('--dry-run'), 'serve --dry-run=true');
  t.is(rewritten('-h'), '-h');
  t.is(rewritten('--help'), '--help');
  t.is(rewritten(''), '');
});

test('what stands behind two dashes is left alone', (t) => {
  t.is(rewritten('serve -strict -- -address'), 'serve --strict=true -- -address');
});
