import { readFile } from 'node:fs/promises';
import { countOf } from '../domain/count.ts';
import { DepotError, messageOf } from '../domain/errors.ts';
import { parseLooseVersion } from '../domain/version.ts';
import { createClient } from '../net/client.ts';
import { parseHeaders } from '../net/proxy.ts';
import { readPublicKeys } from '../signing/public-key.ts';
import { readPlatforms } from './agent-platforms.ts';
import { readBaseAddress } from './base-address.ts';
import { checkAnswers } from './doctor/answers.ts';
import { checkArtifacts } from './doctor/artifacts.ts';
import { checkReach } from './doctor/reach.ts';
import { createDoctorContext, type Finding } from './doctor/context.ts';
import { checkPackages } from './doctor/packages.ts';
import { environmentConfig } from './environment-config.ts';
import {
  addOutgoingOptions,
  collect,
  readOutgoingSettings,
  type OutgoingOptions,
} from './outgoing-options.ts';
import { createOutput } from './output.ts';
import { ownUrl } from './own-url.ts';
import { exitCodes, type CommandIo, type Verb } from './verb.ts';

interface DoctorOptions extends OutgoingOptions {
  readonly artifactsUrl?: string;
  readonly kibana?: string;
  readonly agent?: string;
  readonly platform: string;
  readonly key?: string;
  readonly header: readonly string[];
  readonly json?: boolean;
}

/** `fleet-depot doctor [URL]`: tries a server from outside, the way each of its clients does. */
export const doctor: Verb = {
  name: 'doctor',
  register: (program, io, finish) => {
    const command = program
      .command('doctor')
      .argument(
        '[url]',
        "the server as Kibana's registryUrl has it; the one of this environment where left out",
      )
      .description(
        'Try a server as Kibana, agents and fleet-server do: exit 0 when nothing failed, 1 otherwise',
      )
      .option('--artifacts-url <url>', 'the artifact registry, where it has another address')
      .option('--kibana <version>', 'search as this Kibana does')
      .option('--agent <version>', 'download this agent; the newest that is listed where left out')
      .option('--platform <platform>', 'platform of that agent', 'linux-x86_64')
      .option('--key <file>', 'key file that Kibana verifies packages with; only its first key counts')
      .option('--header <header>', 'header of every request, "Name: value"; may be repeated', collect, [])
      .option('--json', 'print the findings as JSON');
    addOutgoingOptions(command).action(async (url: string | undefined, options: DoctorOptions) =>
      finish(await run(url, options, io)),
    );
  },
};

const run = async (given: string | undefined, options: DoctorOptions, io: CommandIo): Promise<number> => {
  const base = given ?? ownUrl(environmentConfig(io.env));
  readBaseAddress(base, 'the address');
  if (options.artifactsUrl !== undefined) {
    readBaseAddress(options.artifactsUrl, '--artifacts-url');
  }
  if (options.kibana !== undefined && parseLooseVersion(options.kibana) === undefined) {
    throw new DepotError('USAGE', { reason: `--kibana: '${options.kibana}' is no version such as 9.2.1` });
  }
  const [platform = 'linux-x86_64'] = readPlatforms(options.platform);
  const key = options.key === undefined ? undefined : await firstKey(options.key);
  const settings = readOutgoingSettings(options, io, 4);
  const client = createClient(settings);
  const headers = parseHeaders(options.header);
  const ca = settings.tls.ca === undefined ? [] : [settings.tls.ca].flat();
  const isProxied = (settings.proxy.httpsProxy ?? settings.proxy.httpProxy) !== undefined;
  try {
    const context = createDoctorContext(base, client, headers, io.signal);
    const first = await checkReach(context, ca, isProxied);
    const packages = first.isReached
      ? [...(await checkAnswers(context)), ...(await checkPackages(context, { kibana: options.kibana, key }))]
      : [];
    const other =
      options.artifactsUrl === undefined
        ? undefined
        : createDoctorContext(options.artifactsUrl, client, headers, io.signal);
    // Where no connection stands, every other check would only say so again.
    const second = other ? await checkReach(other, ca, isProxied, ' (artifacts)') : undefined;
    const artifacts = (second ?? first).isReached
      ? await checkArtifacts(other ?? context, { platform, agent: options.agent })
      : [];
    const findings = [...first.findings, ...packages, ...(second?.findings ?? []), ...artifacts];
    report(findings, base, options.json === true, io);
    return findings.some(({ state }) => state === 'failed') ? exitCodes.failed : exitCodes.ok;
  } finally {
    await client.close();
  }
};

const report = (findings: readonly Finding[], base: string, isJson: boolean, io: CommandIo): void => {
  const output = createOutput(io);
  const count = (state: Finding['state']): number => findings.filter((one) => one.state === state).length;
  if (isJson) {
    output.json({ url: base, ok: count('failed') === 0, findings });
    return;
  }
  for (const { check, state, note, advice } of findings) {
    output.line(
      `${state.padEnd(7)}  ${check}: ${note}${advice === undefined ? '' : `\n         -> ${advice}`}`,
    );
  }
  output.line(`${count('ok')} ok, ${countOf(count('warning'), 'warning')}, ${count('failed')} failed`);
};

/** Kibana reads a file of keys and uses the first alone. */
const firstKey = async (path: string): Promise<string> => {
  const content = await readFile(path).catch((error: unknown) => {
    throw new DepotError('USAGE', { reason: `--key: ${path} cannot be read: ${messageOf(error)}` }, error);
  });
  const [first] = await readPublicKeys(content, path);
  return first?.armored ?? '';
};
