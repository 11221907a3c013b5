/** The SQL engines of the stack: those of the settings, and its own Flink if they name none. */
import { ICEBERG_CATALOG } from '#infra/flink/sql/names.ts';
import { icebergCatalogSql } from '#infra/flink/sql/tables.ts';
import type { GivenSqlEngine } from '#infra/sql-engines/open-engines.ts';
import type { StackAddresses } from '#infra/stack/addresses.ts';

export const stackSqlEngines = (
  { sqlGateway, warehouse }: Pick<StackAddresses, 'sqlGateway' | 'warehouse'>,
  given: readonly GivenSqlEngine[] = [],
): readonly GivenSqlEngine[] =>
  given.some((one) => ('query' in one ? one.name : one.engine) === 'flink')
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
