import { jsonOf, type DoctorContext } from './context.ts';

/** What a folder of artifacts offers. */
export interface ServedNames {
  readonly status: number;
  /** Files that clients get; none where the answer is no listing. */
  readonly names: readonly string[];
}

/** Asks for a folder's listing. */
export const listServed = async (ask: DoctorContext['ask'], folder: string): Promise<ServedNames> => {
  const answer = await ask(`${folder}?format=json`);
  const isListing =
    answer.status === 200 && (answer.headers['content-type'] ?? '').startsWith('application/json');
  const files = isListing
    ? (jsonOf(answer) as { readonly files?: readonly { readonly name: string; readonly served: boolean }[] })
        .files
    : undefined;
  return {
    status: answer.status,
    names: (files ?? []).filter(({ served }) => served).map(({ name }) => name),
  };
};
