/** The Flink SQL of a registered view, in every profile: it can be read before a stack exists. */
import type { FeatureViewDefinition, SourceDefinition } from '#domain/definitions/model.ts';
import { shownSql } from '#infra/flink/compute-job.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';

export const flinkSqlOf = (catalog: Catalog, view: string, version: number): string | null => {
  try {
    const definition = catalog.definition(
      'feature-view',
      view,
      version,
    ) as FeatureViewDefinition | null;
    const source =
      definition === null
        ? null
        : (catalog.definition('source', definition.source) as SourceDefinition | null);
    return definition === null || source === null
      ? null
      : shownSql(catalog.plan(view, version), definition, source, version);
  } catch {
    // The source was changed by force and does not fit the view; the view's status says so.
    return null;
  }
};
