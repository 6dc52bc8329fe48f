import { readFile } from 'node:fs/promises';
import { decodeSaved } from '../../distribution/saved-text.ts';
import { DepotError, messageOf } from '../../domain/errors.ts';

/**
 * Kibana's API key from a file, else from KIBANA_API_KEY, in the encoded form that `Authorization: ApiKey` takes; undefined where
 * there is none. Each form that Kibana shows or Elasticsearch answers with is read. Throws USAGE for what can be none, without
 * showing it.
 */
export async function readKibanaApiKey(
  file: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const text = file === undefined ? env['KIBANA_API_KEY'] : await readKeyFile(file);
  if (text === undefined || (file === undefined && text.trim() === '')) {
    return undefined;
  }
  const key = encodedOf(text.trim());
  if (key === undefined) {
    const place = file === undefined ? 'KIBANA_API_KEY' : `--kibana-api-key-file: ${file}`;
    throw new DepotError('USAGE', {
      reason: `${place} has no API key: it is one line without spaces, as Kibana shows it once (encoded)`,
    });
  }
  return key;
}

/** `ID:KEY` (as for Beats and Logstash) and the JSON of the answer are encoded; the encoded form is taken as it is. */
const encodedOf = (text: string): string | undefined => {
  const key = text.startsWith('{') ? fromJson(text) : text.replace(/^ApiKey\s+/i, '');
  if (key === undefined || !/^[\x21-\x7e]+$/.test(key)) {
    return undefined;
  }
  return /^[^:]+:[^:]+$/.test(key) ? Buffer.from(key).toString('base64') : key;
};

const fromJson = (text: string): string | undefined => {
  try {
    const { id, api_key: key, encoded } = JSON.parse(text) as Record<string, unknown>;
    if (typeof encoded === 'string') {
      return encoded;
    }
    return typeof id === 'string' && typeof key === 'string' ? `${id}:${key}` : undefined;
  } catch {
    return undefined;
  }
};

const readKeyFile = async (file: string): Promise<string> => {
  try {
    return decodeSaved(await readFile(file));
  } catch (error) {
    const reason = `--kibana-api-key-file: ${file} cannot be read: ${messageOf(error)}`;
    throw new DepotError('USAGE', { reason }, error);
  }
};
