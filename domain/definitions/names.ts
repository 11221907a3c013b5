/**
 * Rules for names. Names of definitions and features become topics, tables and columns; producers
 * name fields.
 */
export const NAME = /^[a-z][a-z0-9_]{0,62}$/;
export const NAME_RULE =
  'lower-case letters, digits and underscores, starting with a letter, at most 63';

/** Avro's rule; names that begin with two underscores are reserved for the platform. */
export const FIELD_NAME = /^(?!__)[A-Za-z_][A-Za-z0-9_]{0,62}$/;
export const FIELD_NAME_RULE =
  'letters, digits and underscores, not starting with a digit or two underscores, at most 63';

interface FeatureReference {
  readonly view: string;
  readonly version: number | undefined;
  readonly feature: string;
}

/**
 * Splits "view:feature" or "view@v2:feature", without checking that either exists. Null where the
 * text is an on-demand feature's name.
 */
export const featureReference = (text: string): FeatureReference | null => {
  const colon = text.indexOf(':');
  if (colon < 0) return null;
  const named = text.slice(0, colon);
  const [suffix, digits] = /@v(\d+)$/.exec(named) ?? ['', undefined];
  return {
    view: named.slice(0, named.length - suffix.length),
    version: digits === undefined ? undefined : Number(digits),
    feature: text.slice(colon + 1),
  };
};
