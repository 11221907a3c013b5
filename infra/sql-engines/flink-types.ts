/** The types of Flink as its SQL Gateway describes them. Values come as JSON. */
import {
  BOOLEAN,
  BYTES,
  DATE_READER,
  DOUBLE,
  decimal,
  FLOAT,
  INT,
  LONG,
  listOf,
  mapOf,
  type Reader,
  STRING,
  structOf,
  TIMESTAMP,
} from './readers.ts';

export interface LogicalType {
  readonly type: string;
  readonly precision?: number;
  readonly scale?: number;
  readonly elementType?: LogicalType;
  readonly keyType?: LogicalType;
  readonly valueType?: LogicalType;
  readonly fields?: readonly { readonly name: string; readonly fieldType: LogicalType }[];
}

const SCALARS: Readonly<Record<string, Reader>> = {
  BOOLEAN,
  TINYINT: INT,
  SMALLINT: INT,
  INTEGER: INT,
  BIGINT: LONG,
  FLOAT,
  DOUBLE,
  BINARY: BYTES,
  VARBINARY: BYTES,
  DATE: DATE_READER,
  TIMESTAMP_WITHOUT_TIME_ZONE: TIMESTAMP,
  TIMESTAMP_WITH_LOCAL_TIME_ZONE: TIMESTAMP,
};

/** Types that are not here are read as text. */
export const flinkReader = (type: LogicalType): Reader => {
  const { elementType, keyType, valueType, fields } = type;
  switch (type.type) {
    case 'ARRAY':
      return elementType === undefined ? STRING : listOf(flinkReader(elementType));
    case 'MAP':
      return keyType === undefined || valueType === undefined
        ? STRING
        : mapOf(flinkReader(keyType), flinkReader(valueType));
    case 'ROW':
      return structOf(
        (fields ?? []).map(({ name, fieldType }) => [name, flinkReader(fieldType)] as const),
      );
    case 'DECIMAL':
      return decimal(type.precision ?? 38, type.scale ?? 0);
    default:
      return SCALARS[type.type] ?? STRING;
  }
};
