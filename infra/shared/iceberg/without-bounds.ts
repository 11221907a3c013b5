/** Which columns of a file that replaces others must not have bounds. */
import type { ManifestEntry } from './manifest.ts';
import type { IcebergField } from './schema.ts';

/** U+FEFF in UTF-8 */
const MARK = Buffer.from('\uFEFF');

/**
 * String columns without bounds in some of the files, or with a bound that begins with a byte order
 * mark: DuckDB's client drops the mark from the statistics that it reports.
 */
export const withoutBounds = (
  fields: readonly IcebergField[],
  entries: readonly ManifestEntry[],
): ReadonlySet<string> => {
  const bounded = (
    id: number,
    { data_file: { lower_bounds, upper_bounds, null_value_counts, record_count } }: ManifestEntry,
  ): boolean => {
    if (null_value_counts?.find(({ key }) => key === id)?.value === record_count) return true;
    const bounds = [lower_bounds, upper_bounds].map((map) => map?.find(({ key }) => key === id));
    return bounds.every(
      (bound) => bound !== undefined && !bound.value.subarray(0, MARK.length).equals(MARK),
    );
  };
  const strings = fields.filter(({ type }) => type === 'string');
  return new Set(
    strings
      .filter(({ id }) => !entries.every((entry) => bounded(id, entry)))
      .map(({ name }) => name),
  );
};
