/**
 * The Avro schemas of format version 2's manifests and manifest lists; readers use the field ids.
 */

const optional = (type: unknown) => ({ type: ['null', type], default: null });

/** Iceberg's maps whose keys are not strings: arrays of key-value records. */
const idMap = (key: number, value: number, valueType: string) =>
  optional({
    type: 'array',
    logicalType: 'map',
    items: {
      type: 'record',
      name: `k${key}_v${value}`,
      fields: [
        { name: 'key', type: 'int', 'field-id': key },
        { name: 'value', type: valueType, 'field-id': value },
      ],
    },
  });

export interface PartitionColumn {
  readonly name: string;
  readonly fieldId: number;
}

export const manifestEntrySchema = ({ name, fieldId }: PartitionColumn): object => ({
  type: 'record',
  name: 'manifest_entry',
  fields: [
    { name: 'status', type: 'int', 'field-id': 0 },
    { name: 'snapshot_id', ...optional('long'), 'field-id': 1 },
    { name: 'sequence_number', ...optional('long'), 'field-id': 3 },
    { name: 'file_sequence_number', ...optional('long'), 'field-id': 4 },
    {
      name: 'data_file',
      'field-id': 2,
      type: {
        type: 'record',
        name: 'r2',
        fields: [
          { name: 'content', type: 'int', 'field-id': 134 },
          { name: 'file_path', type: 'string', 'field-id': 100 },
          { name: 'file_format', type: 'string', 'field-id': 101 },
          {
            name: 'partition',
            'field-id': 102,
            type: {
              type: 'record',
              name: 'r102',
              fields: [
                { name, ...optional({ type: 'int', logicalType: 'date' }), 'field-id': fieldId },
              ],
            },
          },
          { name: 'record_count', type: 'long', 'field-id': 103 },
          { name: 'file_size_in_bytes', type: 'long', 'field-id': 104 },
          { name: 'column_sizes', ...idMap(117, 118, 'long'), 'field-id': 108 },
          { name: 'value_counts', ...idMap(119, 120, 'long'), 'field-id': 109 },
          { name: 'null_value_counts', ...idMap(121, 122, 'long'), 'field-id': 110 },
          { name: 'lower_bounds', ...idMap(126, 127, 'bytes'), 'field-id': 125 },
          { name: 'upper_bounds', ...idMap(129, 130, 'bytes'), 'field-id': 128 },
          {
            name: 'split_offsets',
            ...optional({ type: 'array', items: 'long', 'element-id': 133 }),
            'field-id': 132,
          },
          { name: 'sort_order_id', ...optional('int'), 'field-id': 140 },
        ],
      },
    },
  ],
});

export const MANIFEST_FILE_SCHEMA: object = {
  type: 'record',
  name: 'manifest_file',
  fields: [
    { name: 'manifest_path', type: 'string', 'field-id': 500 },
    { name: 'manifest_length', type: 'long', 'field-id': 501 },
    { name: 'partition_spec_id', type: 'int', 'field-id': 502 },
    { name: 'content', type: 'int', 'field-id': 517 },
    { name: 'sequence_number', type: 'long', 'field-id': 515 },
    { name: 'min_sequence_number', type: 'long', 'field-id': 516 },
    { name: 'added_snapshot_id', type: 'long', 'field-id': 503 },
    { name: 'added_files_count', type: 'int', 'field-id': 504 },
    { name: 'existing_files_count', type: 'int', 'field-id': 505 },
    { name: 'deleted_files_count', type: 'int', 'field-id': 506 },
    { name: 'added_rows_count', type: 'long', 'field-id': 512 },
    { name: 'existing_rows_count', type: 'long', 'field-id': 513 },
    { name: 'deleted_rows_count', type: 'long', 'field-id': 514 },
    {
      name: 'partitions',
      'field-id': 507,
      ...optional({
        type: 'array',
        'element-id': 508,
        items: {
          type: 'record',
          name: 'r508',
          fields: [
            { name: 'contains_null', type: 'boolean', 'field-id': 509 },
            { name: 'contains_nan', ...optional('boolean'), 'field-id': 518 },
            { name: 'lower_bound', ...optional('bytes'), 'field-id': 510 },
            { name: 'upper_bound', ...optional('bytes'), 'field-id': 511 },
          ],
        },
      }),
    },
  ],
};
