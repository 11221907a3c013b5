/**
 * A spine from a CSV file. For a CSV output its rows are kept as they are in the file, for a
 * Parquet output as texts.
 */

import type { DuckDBConnection } from '@duckdb/node-api';
import { fail } from '#domain/errors.ts';
import {
  type CsvBlock,
  cellText,
  DOUBLED,
  isNullCell,
  NO_ROWS,
  rowCells,
} from '#domain/files/csv-block.ts';
import { csvBlocks } from '#domain/files/csv-rows.ts';
import type { CsvHeader } from '#domain/files/csv-table.ts';
import { readCell } from '#domain/files/file-cell.ts';
import { delimiterOfName } from '#domain/files/file-kind.ts';
import { type TextColumnType, textColumn } from '#domain/files/text-column.ts';
import { csvName } from '#domain/sql/duckdb/csv-text.ts';
import { columnName } from '#domain/sql/duckdb/parquet-files.ts';
import { isNumberType } from '#domain/training-sets/columns.ts';
import { refuseRowsAbove } from '#domain/training-sets/row-memory.ts';
import { TIME_COLUMN } from '#domain/training-sets/spine-of-values.ts';
import { fieldType } from '#domain/values/field-type.ts';
import { readTextFile } from '#infra/shared/files/text-file.ts';
import type { OutputFormat } from './output-file.ts';
import { createTable, type TableFiller } from './result-table.ts';
import { type KeptColumn, SPINE_TABLE, type Spine } from './spine.ts';
import type { SpineColumns } from './spine-columns.ts';
import { type SpineRow, spineReader, type Wanted } from './spine-reader.ts';
import { checkNames, checkParquetNames } from './spine-refusals.ts';
import { declaredTypes, typedValues } from './spine-typed.ts';

const TEXT = fieldType('string', true);

const TYPES: Readonly<Record<TextColumnType, string>> = {
  long: 'BIGINT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  date: 'DATE',
  string: 'VARCHAR',
};

/** As a cell of a file whose cells are separated by commas. */
const lineCell = (cell: string | null): string =>
  cell === null ? '' : cell === '' ? '""' : csvName(cell);

interface Keeper {
  add(block: CsvBlock, row: number): void;
  finish(columns: SpineColumns): Pick<Spine, 'kept' | 'lines'>;
}

/** A row as a line of the output: as it is in the file, unless the file has another delimiter. */
const keepLines = (filler: TableFiller, header: CsvHeader): Keeper => {
  const isSame = header.delimiter === ',';
  return {
    add(block, row) {
      if (isSame)
        filler.setBytes(0, block.bytes, block.starts[row] as number, block.ends[row] as number);
      else filler.set(0, rowCells(block, row).map(lineCell).join(','));
      filler.next();
    },
    finish: () => ({
      kept: [],
      lines: { header: isSame ? header.raw : header.names.map(csvName).join(',') },
    }),
  };
};

const keepTexts = (filler: TableFiller, { names }: CsvHeader, wanted: Wanted): Keeper => {
  const declared = declaredTypes(wanted);
  const columns = names.map((name) => {
    const type = declared.get(name);
    return {
      name,
      /** its values are written as they were read, and its texts are not needed */
      typed: type !== undefined && isNumberType(type) ? type : null,
      /** finds the type of a column that no definition declares */
      found: type === undefined ? textColumn() : null,
    };
  });
  return {
    add(block, row) {
      const first = block.firstCells[row] as number;
      for (let i = 0; i < columns.length; i++) {
        const { typed, found } = columns[i] as (typeof columns)[number];
        const cell = first + i;
        if (typed !== null || isNullCell(block, cell)) {
          filler.setNull(i);
          continue;
        }
        if (block.forms[cell] === DOUBLED) filler.set(i, cellText(block, cell));
        else
          filler.setBytes(
            i,
            block.bytes,
            block.cellStarts[cell] as number,
            block.cellEnds[cell] as number,
          );
        if (found !== null && !found.settled) found.add(block, cell);
      }
      filler.next();
    },
    finish: (read) => ({
      lines: null,
      kept: columns.map(({ name, typed, found }, i): KeptColumn => {
        const type = TYPES[found?.type() ?? 'string'];
        const column = { name, sql: `CAST(s.${columnName(i)} AS ${type})`, type, zoned: false };
        const values = typed === null ? null : typedValues(name, typed, read);
        return values === null ? column : { ...column, typed: values };
      }),
    }),
  };
};

export const csvSpine = async (
  connection: DuckDBConnection,
  path: string,
  wanted: Wanted,
  output: OutputFormat | null,
): Promise<Spine> => {
  const refuse = (where: string, details: object) => (what: string) =>
    fail('MR_SPINE_INVALID', `the spine "${path}"${where} ${what}`, { file: path, ...details });
  let header: CsvHeader | null = null;
  const blocks = csvBlocks(readTextFile(path, refuse('', {})), {
    refuse: (line, what) => refuse(`, line ${line}:`, { line })(what),
    delimiter: delimiterOfName(path),
    onHeader(found) {
      checkNames(found.names, wanted.keys, wanted.request);
      if (output === 'parquet') checkParquetNames(found.names);
      header = found;
      return found.names.indexOf(TIME_COLUMN);
    },
  });
  let rows = 0;
  let state: {
    readonly filler: TableFiller;
    readonly keeper: Keeper;
    readonly reader: ReturnType<typeof spineReader<string | null>>;
  } | null = null;
  const begin = async (found: CsvHeader) => {
    const types = output === 'csv' ? [TEXT] : found.names.map(() => TEXT);
    const filler = await createTable(connection, SPINE_TABLE, types);
    return {
      filler,
      keeper: output === 'csv' ? keepLines(filler, found) : keepTexts(filler, found, wanted),
      reader: spineReader<string | null>(found.names, wanted, (type, cell) =>
        cell === null ? null : readCell(type, cell),
      ),
    };
  };
  let block: CsvBlock = NO_ROWS;
  let at = 0;
  const row: SpineRow<string | null> = {
    cell: (column) => cellText(block, (block.firstCells[at] as number) + column),
    place: () => ({ row: rows, line: block.lines[at] as number }),
    addText(column, to) {
      const cell = (block.firstCells[at] as number) + column;
      if (isNullCell(block, cell) || block.forms[cell] === DOUBLED) to.add(cellText(block, cell));
      else
        to.addBytes(block.bytes, block.cellStarts[cell] as number, block.cellEnds[cell] as number);
    },
  };
  for await (block of blocks) {
    if (header === null) continue;
    state ??= await begin(header);
    const { reader, keeper } = state;
    for (at = 0; at < block.rows; at++) {
      rows++;
      reader.add(row);
      keeper.add(block, at);
    }
    refuseRowsAbove(wanted.maxRows, rows);
  }
  if (state === null || header === null || rows === 0)
    return fail('MR_SPINE_INVALID', 'the spine has no rows: give at least one', {});
  state.filler.close();
  const columns = state.reader.finish();
  return {
    ...columns,
    names: (header as CsvHeader).names,
    rows,
    ...state.keeper.finish(columns),
  };
};
