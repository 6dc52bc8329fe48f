import { createRequire } from 'node:module';
import type { Readable } from 'node:stream';
import test from 'ava';
import { get } from '../support/client.ts';
import { writeZipPackage } from '../support/packages.ts';
import { serverFor } from '../support/served-folder.ts';

interface FetchedAnswer {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: Readable;
}
// The client that Kibana asks with; it has no types of its own.
const fetch = createRequire(import.meta.url)('node-fetch') as (
  url: string,
  options: { readonly headers: Readonly<Record<string, string>> },
) => Promise<FetchedAnswer>;

const title = 'Überwachung 日本語 監視 😀 – «Сеть»';
const server = serverFor(test, async (root) => {
  for (let at = 0; at < 60; at++) {
    const manifest = { title: `${title} ${at}`, description: `${title} `.repeat(300) };
    await writeZipPackage(root, { name: `demo_${at}`, manifest });
  }
});

/** Every chunk is decoded by itself, so a character that a chunk border cuts is lost. */
const decodeByChunk = async (url: string, encoding: string): Promise<{ text: string; chunks: number }> => {
  const headers = { 'User-Agent': 'Kibana/9.2.0 node-fetch', 'Accept-Encoding': encoding };
  const answer = await fetch(url, { headers });
  let [text, chunks] = ['', 0];
  answer.body.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    chunks++;
  });
  await new Promise((resolve, reject) => {
    answer.body.on('end', resolve);
    answer.body.on('error', reject);
  });
  return { text, chunks };
};

for (const encoding of ['identity', 'gzip,deflate']) {
  test(`a large search reaches Kibana unbroken as ${encoding}`, async (t) => {
    const url = `${server().url}/search?kibana.version=9.2.0`;
    const { text, chunks } = await decodeByChunk(url, encoding);
    t.true(chunks > 10, String(chunks));
    t.false(text.includes('\ufffd'));
    t.is(text, (await get(server().url, '/search')).text);
    const items = JSON.parse(text) as readonly { title: string }[];
    t.is(items.length, 60);
    t.true(items.every((item) => item.title.startsWith(title)));
  });
}

test('an archive reaches Kibana whole', async (t) => {
  const answer = await fetch(`${server().url}/epr/demo_1/demo_1-1.0.0.zip`, {
    headers: { 'Accept-Encoding': 'gzip,deflate' },
  });
  const chunks: Buffer[] = [];
  answer.body.on('data', (chunk: Buffer) => chunks.push(chunk));
  await new Promise((resolve) => {
    answer.body.on('end', resolve);
  });
  t.is(Buffer.concat(chunks).length, Number(answer.headers.get('content-length')));
});
