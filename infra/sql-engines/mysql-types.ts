/** The types of MySQL's protocol. Values come as bytes: of texts, or of the text of a number. */
import type { FieldPacket } from 'mysql2';
import type { SqlValue } from '#domain/sql-results/sql-type.ts';
import {
  BOOLEAN,
  DATE_READER,
  DOUBLE,
  decimal,
  FLOAT,
  INT,
  LONG,
  type Reader,
  STRING,
  TIMESTAMP,
} from './readers.ts';

const BINARY_CHARSET = 63;
const UNSIGNED = 32;
const WIDEST = 38;

const BYTES: Reader = {
  type: { form: 'bytes', name: 'bytes' },
  convert: (raw) => Uint8Array.from(raw as Buffer),
};

/** The length of a decimal has a sign and a point; some servers send none. */
const decimalOf = ({ columnLength = 0, decimals, flags }: FieldPacket): Reader => {
  const extra = (decimals > 0 ? 1 : 0) + (Number(flags) & UNSIGNED ? 0 : 1);
  const precision = Math.min(Math.max(columnLength - extra, decimals + 1), WIDEST);
  return decimal(precision, decimals);
};

const isUnsigned = ({ flags }: FieldPacket): boolean => (Number(flags) & UNSIGNED) !== 0;

const byType = (field: FieldPacket): Reader => {
  const { columnType, type, columnLength, characterSet } = field;
  switch (columnType ?? type) {
    case 1:
      return columnLength === 1 ? BOOLEAN : INT;
    case 2:
    case 9:
      return INT;
    case 3:
      return isUnsigned(field) ? LONG : INT;
    case 8:
      return isUnsigned(field) ? decimal(WIDEST, 0) : LONG;
    case 4:
      return FLOAT;
    case 5:
      return DOUBLE;
    case 0:
    case 246:
      return decimalOf(field);
    case 10:
      return DATE_READER;
    case 7:
    case 12:
      return TIMESTAMP;
    default:
      return characterSet === BINARY_CHARSET ? BYTES : STRING;
  }
};

export const mysqlReader = (field: FieldPacket): Reader => {
  const { type, convert } = byType(field);
  return {
    type,
    convert: (raw): SqlValue => convert(type.form === 'bytes' ? raw : String(raw)),
  };
};
