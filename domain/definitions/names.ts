/** What a name may be. Definitions and features become topics, tables and columns; fields also come from producers. */
export const NAME = /^[a-z][a-z0-9_]{0,62}$/;
export const NAME_RULE = 'lower-case letters, digits and underscores, starting with a letter, at most 63';

/** Avro's rule; two underscores in front are kept for the platform. */
export const FIELD_NAME = /^(?!__)[A-Za-z_][A-Za-z0-9_]{0,62}$/;
export const FIELD_NAME_RULE = 'letters, digits and underscores, not starting with a digit or two underscores, at most 63';
