import { readdirSync, readFileSync } from 'node:fs';
import { Writable } from 'node:stream';
import test from 'ava';
import { runProgram } from '../../src/cli/program.ts';

const pages = ['README.md', ...readdirSync('docs').map((name) => `docs/${name}`)];
const textOf = (page: string): string => readFileSync(page, 'utf8');
/** These two are generated, from the very tables that a page of ours could contradict. */
const written = pages.filter((page) => !/configuration|errors/.test(page));

const helpOf = async (words: readonly string[]): Promise<string> => {
  let text = '';
  const stdout = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString();
      done();
    },
  });
  const signal = new AbortController().signal;
  await runProgram([...words, '--help'], { stdout, stderr: stdout, env: {}, isTerminal: false, signal });
  return text;
};

/** Every verb with its flags; a verb below another one has both names, such as `bundle create`. */
const findVerbs = async (
  words: readonly string[] = [],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> => {
  const help = await helpOf(words);
  const flags = [...help.matchAll(/^ +(?:-([a-z]), )?--?([a-z][a-z0-9-]+)/gim)].flatMap(([, short, long]) => [
    ...(short === undefined ? [] : [short]),
    long ?? '',
  ]);
  const below = /\nCommands:\n(?<names>(?: .*\n)+)/.exec(help)?.groups?.['names'] ?? '';
  const names = [...below.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name ?? '');
  const deeper = await Promise.all(
    names.filter((name) => name !== 'help').map((name) => findVerbs([...words, name])),
  );
  return new Map([[words.join(' '), new Set(flags)], ...deeper.flatMap((found) => [...found])]);
};

/** The lines of a page that are to be typed. */
const typed = (page: string): readonly string[] =>
  [...textOf(page).matchAll(/```sh\n([^]*?)```/g)].flatMap(([, block = '']) =>
    block.replaceAll(/\\\n\s*/g, '').split('\n'),
  );

test('every command of the pages names a verb and flags that exist', async (t) => {
  const verbs = await findVerbs();
  t.true(verbs.size > 30);
  let seen = 0;
  for (const page of written) {
    const spans = [...textOf(page).matchAll(/`(fleet-depot [^`\n]+)`/g)].map(([, span = '']) => span);
    for (const line of [...typed(page), ...spans]) {
      const [, words = '', rest = ''] =
        /(?:^|\s)fleet-depot ((?:[a-z]+ ?)+)((?:.(?!\s#\s))*)/.exec(line.replace(/\s#.*$/, '')) ?? [];
      if (words === '' || /docker|buildah|alias/.test(line)) {
        continue;
      }
      const names = words.trim().split(' ');
      const verb = [3, 2, 1].map((count) => names.slice(0, count).join(' ')).find((name) => verbs.has(name));
      if (verb === undefined) {
        t.fail(`${page}: no such verb: ${line}`);
        continue;
      }
      for (const [, flag = ''] of rest.matchAll(/(?<=\s|^|\[)--?([a-z][a-z-]*)/g)) {
        seen += 1;
        t.true(verbs.get(verb)?.has(flag), `${page}: ${verb} has no -${flag}: ${line}`);
      }
    }
  }
  t.true(seen > 80, `${seen} flags`);
});

test('every flag of every verb is named in a page', async (t) => {
  const all = pages.map(textOf).join('\n');
  const isNamed = (flag: string): boolean => new RegExp(`(?<![\\w-])--?${flag}\\b`).test(all);
  const unnamed = [...(await findVerbs())].flatMap(([verb, flags]) =>
    // `-o` is `--output`, and a help explains itself.
    [...flags]
      .filter((flag) => !/^(?:h|help|output)$/.test(flag) && !isNamed(flag))
      .map((flag) => `${verb} -${flag}`),
  );
  t.deepEqual(unnamed, []);
});

test('a page says the default of every flag that has one', async (t) => {
  const parts = pages.flatMap((page) => textOf(page).split(/\n\n|\n(?=[|-] )/));
  const unsaid = [];
  let seen = 0;
  for (const verb of (await findVerbs()).keys()) {
    const help = (await helpOf(verb === '' ? [] : verb.split(' '))).replaceAll(/\n {8,}/g, ' ');
    // Those of `serve` are in the generated page.
    for (const [, flag = '', value = ''] of help.matchAll(
      /^ +(?:-\w, )?-([a-z-]+) .*\(default ([^ ),]+)\)$/gm,
    )) {
      const named = new RegExp(`(?<![\\w-])--?${flag}(?![\\w-])`);
      const told = new RegExp(`(?<![\\w.])${value.replaceAll('.', String.raw`\.`)}(?![\\w.]*\\w)`);
      seen += 1;
      if (!parts.some((part) => named.test(part) && told.test(part))) {
        unsaid.push(`${verb} -${flag} ${value}`);
      }
    }
  }
  t.true(seen > 20, `${seen} defaults`);
  t.deepEqual(unsaid, []);
});

test('the pages link to what is there', (t) => {
  const slug = (heading: string): string =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .trim()
      .replaceAll(' ', '-');
  for (const page of pages) {
    for (const [, link = ''] of textOf(page).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? page : new URL(file, `file:///${page}`).pathname.slice(1);
      const headings = [...textOf(target).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => slug(heading));
      t.true(anchor === undefined || headings.includes(anchor), `${page}: ${link}`);
    }
  }
});
