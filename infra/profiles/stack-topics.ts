/** What the registry of the stack has: sources, logged services, and the tables of the history. */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { featureLogTopic, featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { loggedServices } from '#projections/feature-log/feature-log-tables.ts';
import { rollupTopics } from '#projections/rollups/rollup-topics.ts';

export interface StackTopics {
  readonly sources: () => readonly SourceDefinition[];
  /** the services whose answers are logged */
  readonly services: () => readonly string[];
  /** topics, and what else has a table */
  readonly tables: () => readonly string[];
}

export const stackTopics = (catalog: Catalog): StackTopics => {
  const services = (): readonly string[] =>
    loggedServices(catalog).map(({ columns }) => columns.service);
  return {
    sources: () =>
      catalog.streams('source').flatMap(({ name }) => catalog.definition('source', name) ?? []),
    services,
    tables: () => [
      ...catalog.streams('source').map(({ name }) => rawTopic(name)),
      ...catalog.streams('feature-view').map(({ name }) => featuresTopic(name)),
      ...rollupTopics(catalog),
      ...services().map(featureLogTopic),
    ],
  };
};
