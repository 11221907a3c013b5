/** Which columns of a file must not have bounds, because the files that it replaces had none. */
import type { ManifestEntry } from './manifest.ts';
import type { IcebergField } from './schema.ts';

/** String columns without bounds in some file: the file that replaces it must omit them too. */
export const withoutBounds = (
  fields: readonly IcebergField[],
  entries: readonly ManifestEntry[],
): ReadonlySet<string> => {
  const bounded = (
    id: number,
    { data_file: { upper_bounds, null_value_counts, record_count } }: ManifestEntry,
  ): boolean =>
    upper_bounds?.some(({ key }) => key === id) === true ||
    null_value_counts?.find(({ key }) => key === id)?.value === record_count;
  const strings = fields.filter(({ type }) => type === 'string');
  return new Set(
    strings
      .filter(({ id }) => !entries.every((entry) => bounded(id, entry)))
      .map(({ name }) => name),
  );
};
