/** The columns of a rollup's table, the same whoever writes it. */
import { avroType } from '#domain/avro/types.ts';
import type { RollupColumns } from '#domain/ports/rollup-tables.ts';
import { keyColumn } from '#domain/rollups/rollup-columns.ts';
import type { FieldType } from '#domain/values/value.ts';
import { icebergSchemaFromAvro, type WantedColumn } from './schema.ts';

const TIMESTAMP: FieldType = { base: 'timestamp', array: false, nullable: false };

/**
 * Each feature is nullable, so that rows stay readable after a version drops it. `replaced_at` is
 * null in rows that hold.
 */
export const rollupColumns = ({ keys, features }: RollupColumns): readonly WantedColumn[] =>
  icebergSchemaFromAvro({
    type: 'record',
    name: 'rollup',
    fields: [
      ...keys.map(({ name, type }) => ({
        name: keyColumn(name),
        type: avroType({ ...type, nullable: false }),
      })),
      { name: 'period_start', type: avroType(TIMESTAMP) },
      { name: 'period_end', type: avroType(TIMESTAMP) },
      ...features.map(({ name, type }) => ({ name, type: avroType({ ...type, nullable: true }) })),
      { name: 'version', type: 'int' },
      { name: 'generation', type: 'int' },
      { name: 'written_at', type: avroType(TIMESTAMP) },
      { name: 'replaced_at', type: avroType({ ...TIMESTAMP, nullable: true }) },
    ],
  });
