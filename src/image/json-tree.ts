/** A JSON object of unknown content. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** An object, or undefined for everything else. */
export const asObject = (value: unknown): JsonObject | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;

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
