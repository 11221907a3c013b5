/**
 * JSON with whole numbers of up to 64 bits, such as the ids that other engines give to snapshots. A
 * JavaScript number would round them, so each is kept as it is written, as an object that
 * `JSON.stringify` writes as that number.
 */
interface ExactJson {
  readonly parse: (
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ) => unknown;
  readonly rawJSON: (text: string) => object;
}

/** Node 24 has these; the types of the language do not name them yet. */
const exact = JSON as unknown as ExactJson;

export const parseExact = (text: string): unknown =>
  exact.parse(text, (_, value, { source }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined
      ? exact.rawJSON(source)
      : value,
  );

/** The digits of a number that `parseExact` returned. */
export const digitsOf = (number: unknown): string => JSON.stringify(number);
