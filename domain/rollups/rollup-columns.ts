/** The names of the columns of a rollup's table. */
export const keyColumn = (key: string): string => `key_${key}`;

/** Those that are neither a key nor a feature. */
export const OWN_COLUMNS = [
  'period_start',
  'period_end',
  'version',
  'generation',
  'written_at',
  'replaced_at',
] as const;

interface Named {
  readonly name: string;
}

/** The name that a feature or a key would take from another column; null: each has its own. */
export const takenColumn = (keys: readonly Named[], features: readonly Named[]): string | null => {
  const seen = new Set<string>(OWN_COLUMNS);
  for (const name of [...keys.map((key) => keyColumn(key.name)), ...features.map((f) => f.name)]) {
    // Engines of SQL do not tell upper from lower case.
    if (seen.has(name.toLowerCase())) return name;
    seen.add(name.toLowerCase());
  }
  return null;
};
