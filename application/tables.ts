/** The tables that other engines may read, by the definitions whose data they have. */
import {
  definitionOfTable,
  isTableNamespace,
  noTable,
  type TableName,
  type TableNamespace,
  type Tables,
} from '#domain/api/tables.ts';
import { fail } from '#domain/errors.ts';
import type { TableDocuments } from '#domain/ports/table-documents.ts';
import { rollupName } from '#domain/rollups/rollup-name.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { loggedServices } from '#projections/feature-log/feature-log-tables.ts';
import { possibleRollups } from '#projections/rollups/rollup-topics.ts';

interface TablesDependencies {
  readonly catalog: Catalog;
  readonly documents: TableDocuments;
}

const topicOf = ({ namespace, name }: TableName): string => `${namespace}.${name}`;

export const createTables = ({ catalog, documents }: TablesDependencies): Tables => {
  /** The names that tables of the namespace can have. */
  const possible: Readonly<Record<TableNamespace, () => readonly string[]>> = {
    raw: () => catalog.streams('source').map(({ name }) => name),
    rollup: () => possibleRollups(catalog).map(rollupName),
    served: () => loggedServices(catalog).map(({ columns }) => columns.service),
  };
  /** Only names of definitions become paths. */
  const isPossible = (table: TableName): boolean => {
    const definition = definitionOfTable(table);
    if (definition?.kind === 'feature-service') return possible.served().includes(table.name);
    return definition !== null && catalog.stream(definition.kind, definition.name) !== null;
  };

  return {
    async list(namespace) {
      if (!isTableNamespace(namespace))
        return fail('MR_NOT_FOUND', `there is no namespace "${namespace}"`, { namespace });
      const names = possible[namespace]();
      const exist = await Promise.all(
        names.map((name) => documents.exists(topicOf({ namespace, name }))),
      );
      return names.filter((_, i) => exist[i]).sort();
    },
    async load(table, snapshots) {
      if (!isPossible(table)) return noTable(table);
      return (await documents.load(topicOf(table), snapshots)) ?? noTable(table);
    },
    exists: async (table) => isPossible(table) && documents.exists(topicOf(table)),
  };
};
