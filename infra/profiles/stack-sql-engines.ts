/** The SQL engines of the stack: those of the settings, and its own Flink unless they name another. */
import { ICEBERG_CATALOG } from '#infra/flink/sql/names.ts';
import { icebergCatalogSql } from '#infra/flink/sql/tables.ts';
import type { SqlEngineSettings } from '#infra/sql-engines/settings.ts';
import type { StackAddresses } from '#infra/stack/addresses.ts';

export const stackSqlEngines = (
  { sqlGateway, warehouse }: Pick<StackAddresses, 'sqlGateway' | 'warehouse'>,
  given: readonly SqlEngineSettings[] = [],
): readonly SqlEngineSettings[] =>
  given.some(({ engine }) => engine === 'flink')
    ? given
    : [
        ...given,
        {
          engine: 'flink',
          url: sqlGateway,
          user: '',
          catalog: ICEBERG_CATALOG,
          init: [icebergCatalogSql(warehouse)],
        },
      ];
