/** A JSON object of unknown content. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether it is an object: no list, no scalar. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An object, or undefined for everything else. */
export const asObject = (value: unknown): JsonObject | undefined => (isObject(value) ? value : undefined);

/** The members of an object; none of anything else. */
export const membersOf = (value: unknown): JsonObject => asObject(value) ?? {};

/** A list, or undefined for everything else. */
export const asList = (value: unknown): readonly unknown[] | undefined =>
  Array.isArray(value) ? (value as readonly unknown[]) : undefined;

/** A list of texts, or undefined where it is none or one of them is no text. */
export const asTexts = (value: unknown): readonly string[] | undefined =>
  asList(value)?.every((item) => typeof item === 'string') === true
    ? (value as readonly string[])
    : undefined;

/** Reads JSON; undefined where it isn't. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};
