/** Which columns the archive job writes: it decodes records by the schema it was started with. */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import type { FeatureLogColumns } from '#domain/feature-log/feature-log-record.ts';
import { archiveIdentity } from './materialize-jobs.ts';

export interface ArchivedColumns {
  /**
   * @returns whether a source or a service has other columns than at the call before; a new one has
   * not
   */
  readonly note: (
    sources: readonly SourceDefinition[],
    featureLogs: readonly FeatureLogColumns[],
  ) => boolean;
}

export const createArchivedColumns = (): ArchivedColumns => {
  const none = { sources: [], views: [], featureLogs: [] };
  let noted: ReadonlyMap<string, string> = new Map();
  return {
    note(sources, featureLogs) {
      const before = noted;
      noted = new Map([
        ...sources.map(
          (one) => [`source ${one.name}`, archiveIdentity({ ...none, sources: [one] })] as const,
        ),
        ...featureLogs.map(
          (one) =>
            [`service ${one.service}`, archiveIdentity({ ...none, featureLogs: [one] })] as const,
        ),
      ]);
      return [...noted].some(([name, text]) => before.has(name) && before.get(name) !== text);
    },
  };
};
