import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { ZipFile } from 'yazl';
import type { ArchiveVerdict } from '../../../src/mirror/checking/archive-check.ts';
import {
  checkArchive,
  createCheckMemory,
  defaultCheckLimits,
} from '../../../src/mirror/checking/archive-check.ts';
import { makeKey, signWith, type MadeKey } from '../../signing/made-keys.ts';

const manifest = 'name: a\nversion: 1.0.0\n';

interface Case {
  readonly bytes: Buffer;
  readonly signature?: string;
}

const keys = { trusted: makeKey({ type: 'rsa', rsaBits: 2048 }), other: makeKey() };

/** An archive of `a` 1.0.0; `padding` bytes more make it too large for the memory that small ones are read into. */
async function makeZip(files: Readonly<Record<string, string>>, padding = 0): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [path, content] of Object.entries(files)) {
    zip.addBuffer(Buffer.from(content), path, { compress: false });
  }
  if (padding > 0) {
    zip.addBuffer(randomBytes(padding), 'a-1.0.0/img/large.png', { compress: false });
  }
  zip.end();
  return buffer(zip.outputStream);
}

const good = { 'a-1.0.0/manifest.yml': manifest, 'a-1.0.0/docs/README.md': 'A readme.\n' };

const sign = async (bytes: Buffer, key: Promise<MadeKey> = keys.trusted): Promise<Case> => ({
  bytes,
  signature: await signWith(await key, bytes),
});

const changed = (bytes: Buffer, text: string): Buffer => {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(copy.indexOf(text)) ^ 1, copy.indexOf(text));
  return copy;
};

/** The same verdict has to come from a file and, as for what was just fetched, from memory. */
async function check(t: ExecutionContext, { bytes, signature }: Case): Promise<ArchiveVerdict> {
  const folder = await mkdtemp(join(tmpdir(), 'archive-check-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'a-1.0.0.zip');
  await writeFile(file, bytes);
  const task = {
    file,
    name: 'a',
    version: '1.0.0',
    limits: defaultCheckLimits,
    ...(signature === undefined ? {} : { signature }),
  };
  const memory = createCheckMemory([(await keys.trusted).armored]);
  const fromFile = await checkArchive(task, memory);
  t.deepEqual(await checkArchive(task, memory, bytes), fromFile);
  return fromFile;
}

const reasonOf = (verdict: ArchiveVerdict): string => (verdict.ok ? 'good' : verdict.reason);
const stateOf = (verdict: ArchiveVerdict): string => (verdict.ok ? (verdict.signature?.state ?? '') : 'no');

for (const [size, padding] of [
  ['small', 0],
  ['large', 3_000_000],
] as const) {
  test(`${size}: a signed archive is good with its signer and digest; without its signature it is read whole`, async (t) => {
    const bytes = await makeZip(good, padding);
    const signed = await check(t, await sign(bytes));
    const plain = await check(t, { bytes });
    t.is(stateOf(signed), 'good');
    t.true(plain.ok && signed.ok && plain.sha256 === signed.sha256 && plain.size === bytes.length);
  });

  test(`${size}: a changed byte is found, with or without a signature`, async (t) => {
    const bytes = await makeZip(good, padding);
    const { signature = '' } = await sign(bytes);
    const damaged = changed(bytes, 'A readme');
    t.regex(reasonOf(await check(t, { bytes: damaged })), /its CRC-32 is not the one/);
    t.regex(reasonOf(await check(t, { bytes: damaged, signature })), /its CRC-32 is not the one/);
    // Where no CRC covers the byte, only the signature tells.
    const dated = Buffer.from(bytes);
    dated.writeUInt8(dated.readUInt8(10) ^ 1, 10);
    t.is(stateOf(await check(t, { bytes: dated, signature })), 'bad');
  });

  test(`${size}: a good signature does not save what is no archive of that package`, async (t) => {
    const refused = async (bytes: Buffer): Promise<string> => {
      const verdict = await check(t, await sign(bytes));
      t.false(verdict.ok);
      return reasonOf(verdict);
    };
    const bytes = await makeZip(good, padding);
    t.regex(await refused(bytes.subarray(0, -30)), /cut off/);
    t.regex(await refused(Buffer.concat([bytes, Buffer.from('more')])), /end is damaged|end record|cut off/);
    t.regex(
      await refused(await makeZip({ ...good, 'b/x.txt': 'x' }, padding)),
      /'b\/x\.txt' is not in a-1\.0\.0\/|folder 'b'/,
    );
    t.regex(await refused(await makeZip({ 'a-1.0.0/x.txt': 'x' }, padding)), /manifest\.yml is missing/);
    for (const text of [
      'name: b\nversion: 1.0.0\n',
      'name: a\nversion: 1.0.1\n',
      '"name": b\n"version": 1.0.0\n',
      '{name: b, version: 1.0.0}\n',
    ]) {
      const other = await makeZip({ ...good, 'a-1.0.0/manifest.yml': text }, padding);
      t.regex(await refused(other), /its manifest says/);
    }
    const lying = changed(bytes, 'a-1.0.0/manifest.yml');
    t.false((await check(t, await sign(lying))).ok);
  });

  test(`${size}: a manifest that would fill the memory is refused unread`, async (t) => {
    const text = `${manifest}description: ${'x'.repeat(9_000_000)}\n`;
    const verdict = await check(
      t,
      await sign(await makeZip({ ...good, 'a-1.0.0/manifest.yml': text }, padding)),
    );
    t.regex(reasonOf(verdict), /the size of manifest\.yml is 90000\d\d bytes, the limit is 8388608 bytes/);
  });

  test(`${size}: manifests are understood however they are written`, async (t) => {
    for (const text of [
      'name: \'a\'\r\nversion: "1.0.0"\r\n',
      '{name: a, version: 1.0.0}\n',
      '"name": a\n"version": 1.0.0\n',
      'name: a # the name\nversion: 1.0.0\ndescription: |\n  name: b\n  version: 2.0.0\n',
      'title: "of\n  name: b"\nname: a\nversion: 1.0.0\nowner:\n  name: b\n',
    ]) {
      const verdict = await check(
        t,
        await sign(await makeZip({ ...good, 'a-1.0.0/manifest.yml': text }, padding)),
      );
      t.is(stateOf(verdict), 'good', text);
    }
  });

  test(`${size}: a signature of a stranger vouches for nothing: the archive is read whole`, async (t) => {
    const bytes = await makeZip(good, padding);
    t.is(stateOf(await check(t, await sign(bytes, keys.other))), 'unknown-key');
    const damaged = changed(bytes, 'A readme');
    t.regex(reasonOf(await check(t, await sign(damaged, keys.other))), /its CRC-32 is not the one/);
  });
}
