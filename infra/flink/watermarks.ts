/** The watermarks of the history: a batch job of Flink finds them by the view's own expressions. */
import { functionsSql } from '#domain/sql/flink/java-functions.ts';
import { openSession } from '#infra/shared/flink/sql-gateway.ts';
import { catalogsSql } from './sql/tables.ts';

/**
 * @param query two columns: partition, epoch ms
 * @returns by partition; null: the history has no event of it that counts
 */
export const watermarks = async (
  gateway: string,
  warehouse: Parameters<typeof catalogsSql>[0],
  query: string,
): Promise<readonly (number | null)[]> => {
  const session = await openSession(gateway, {
    'execution.runtime-mode': 'batch',
    'parallelism.default': '1',
    'pipeline.name': 'watermarks of the history',
    'table.local-time-zone': 'UTC',
  });
  try {
    for (const sql of [...catalogsSql(warehouse), ...functionsSql([query])]) await session.run(sql);
    const found: (number | null)[] = [];
    for (const [partition, time] of await session.run(query))
      found[Number(partition)] = Number.isFinite(Number(time)) ? Number(time) : null;
    return Array.from(found, (time) => time ?? null);
  } finally {
    await session.close();
  }
};
