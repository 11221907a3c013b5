/**
 * The SQL of a registered view, whichever profile runs: a person may read it before there is a
 * stack.
 */
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
    // A forced change of its source: the view stands still, and its status says why.
    return null;
  }
};
