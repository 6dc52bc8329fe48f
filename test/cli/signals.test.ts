import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import test from 'ava';

const script = `
import { abortOnSignals } from '${pathToFileURL('build/src/cli/signals.js').href}';
abortOnSignals(process).addEventListener('abort', () => console.log('aborted'));
setInterval(() => undefined, 1000);
console.log('ready');
`;

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`the first ${signal} asks for an end in order, the second one ends at once with ${code}`, async (t) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.teardown(() => child.kill('SIGKILL'));
    const said = async (): Promise<string> => String(((await once(child.stdout, 'data')) as [Buffer])[0]);
    t.is(await said(), 'ready\n');
    child.kill(signal);
    t.is(await said(), 'aborted\n');
    child.kill(signal);
    t.deepEqual(await once(child, 'exit'), [code, null]);
  });
}
