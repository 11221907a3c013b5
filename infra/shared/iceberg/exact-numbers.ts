/**
 * JSON of Iceberg's metadata. Snapshot ids have up to 63 bits, which a JavaScript number would
 * round, so they are bigints. Another number that a JavaScript number would round is kept as it is
 * written, as an object that `JSON.stringify` writes as that number.
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

const IDS: ReadonlySet<string> = new Set([
  'snapshot-id',
  'parent-snapshot-id',
  'current-snapshot-id',
]);

export const parseExact = (text: string): unknown =>
  exact.parse(text, (key, value, { source }) => {
    if (typeof value !== 'number' || source === undefined) return value;
    if (IDS.has(key)) return BigInt(source);
    return Number.isSafeInteger(value) || String(value) === source ? value : exact.rawJSON(source);
  });

/** The text of what `parseExact` returned. */
export const stringifyExact = (value: unknown): string =>
  JSON.stringify(value, (_, one: unknown) =>
    typeof one === 'bigint' ? exact.rawJSON(String(one)) : one,
  );
