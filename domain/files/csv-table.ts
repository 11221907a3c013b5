/**
 * A CSV file as a table: a header, then rows that have a cell for each column. The header's line
 * fixes the delimiter and the names. A row with another number of cells, and a header that is
 * repeated among the rows (two exports in one file), are refused with their line.
 */
import { readIsoTime } from '#domain/values/time.ts';
import {
  type CsvBlock,
  type CsvRecord,
  cellText,
  DOUBLED,
  NO_ROWS,
  recordOf,
  rowCells,
  withoutFirst,
} from './csv-block.ts';
import { type CsvReader, csvReader } from './csv-reader.ts';
import { joined, type RefuseLine, type Utf8Piece } from './utf8-text.ts';

export interface CsvHeader {
  readonly names: readonly string[];
  readonly delimiter: string;
  /** the header's line as it is in the file */
  readonly raw: string;
}

export interface CsvTableOptions {
  readonly refuse: RefuseLine;
  /** absent: the header's line tells */
  readonly delimiter?: string | undefined;
  /** called once, before the first row; returns the index of the column of times; −1: none */
  readonly onHeader: (header: CsvHeader) => number;
}

const DELIMITERS = [',', ';', '\t', '|'] as const;
const MARK = '\uFEFF';

const mostFrequent = (counts: ReadonlyMap<string, number>): string =>
  [...counts].reduce((most, next) => (next[1] > most[1] ? next : most))[0];

/**
 * The delimiter of a header: of the four, the one that is most often outside quotes, and the first
 * of equals. Null: the text ends before its first line does.
 */
export const delimiterOf = (text: string, last: boolean): string | null => {
  const counts = new Map<string, number>(DELIMITERS.map((delimiter) => [delimiter, 0]));
  let quoted = false;
  let opens = true;
  let empty = true;
  for (const char of text) {
    const ends = !quoted && (char === '\n' || char === '\r');
    if (ends && empty) continue;
    if (ends) return mostFrequent(counts);
    empty = false;
    if (char === '"' && (quoted || opens)) quoted = !quoted;
    else if (!quoted && counts.has(char)) counts.set(char, (counts.get(char) as number) + 1);
    opens = !quoted && (char === '"' || counts.has(char));
  }
  return last ? mostFrequent(counts) : null;
};

/** Such a name says nothing: a row may have it as its time. */
const isTimeText = (text: string): boolean =>
  /^-?\d+$/.test(text) || !Number.isNaN(readIsoTime(text));

const show = (name: string): string => (name === '' ? 'without a name' : JSON.stringify(name));

const namesOf = ({ cells, line }: CsvRecord, refuse: RefuseLine): readonly string[] => {
  const names = cells.map((cell) => cell ?? '');
  if (names.some((name) => name.includes('\0')))
    refuse(line, 'the header has NUL characters: write the file in UTF-8 (is it UTF-16?)');
  const seen = new Map<string, number>();
  names.forEach((name, i) => {
    const before = seen.get(name);
    if (before !== undefined)
      refuse(
        line,
        `columns ${before + 1} and ${i + 1} of the header are both ${show(name)}: give each column a name of its own`,
      );
    seen.set(name, i);
  });
  return names;
};

const cells = (n: number): string => `${n} cell${n === 1 ? '' : 's'}`;

const utf8 = new TextEncoder();

/** Whether a cell may have the text of a name, by its bytes. */
const maybeIs = (block: CsvBlock, cell: number, name: Uint8Array): boolean => {
  if (block.forms[cell] === DOUBLED) return true;
  const start = block.cellStarts[cell] as number;
  if ((block.cellEnds[cell] as number) - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) if (block.bytes[start + i] !== name[i]) return false;
  return true;
};

/** The first bytes that a cell with one of the names has, with or without a mark before it. */
const firstBytesOf = (names: ReadonlySet<string>): Uint8Array => {
  const first = new Uint8Array(256);
  for (const name of [MARK, ...names]) first[utf8.encode(name)[0] as number] = 1;
  return first;
};

interface Header {
  readonly names: readonly string[];
  /** the names that no time has */
  readonly known: ReadonlySet<string>;
  /** the index of the column of times; −1: none */
  readonly time: number;
}

/** Refuses rows that are not rows of the table. */
const rowCheck = ({ names, known, time }: Header, refuse: RefuseLine) => {
  const width = names.length;
  const firstBytes = firstBytesOf(known);
  const firstName = utf8.encode(names[0] as string);

  /** A column's name is no time, so a row that has one in place of its time is a header. */
  const isHeader = (cell: string | null | undefined): boolean =>
    typeof cell === 'string' && known.has(cell.startsWith(MARK) ? cell.slice(1) : cell);

  const isRepeated = (block: CsvBlock, row: number): boolean =>
    width > 1 && rowCells(block, row).every((cell, i) => cell === names[i]);

  const refuseWidth = ({ line, cells: found }: CsvRecord): never => {
    const count = found.length;
    if (found.filter(isHeader).length * 2 > count)
      refuse(line, `the line is a second header, of ${cells(count)}: split the file there`);
    return refuse(
      line,
      `the row has ${cells(count)}, and the header has ${width}: correct the row, or put cells with the delimiter in quotes`,
    );
  };

  return (block: CsvBlock): void => {
    const { rows, bytes, firstCells, cellStarts } = block;
    for (let row = 0; row < rows; row++) {
      const first = firstCells[row] as number;
      if ((firstCells[row + 1] as number) - first !== width) refuseWidth(recordOf(block, row));
      const timeByte = time < 0 ? undefined : bytes[cellStarts[first + time] as number];
      if (
        (timeByte !== undefined &&
          firstBytes[timeByte] === 1 &&
          isHeader(cellText(block, first + time))) ||
        (maybeIs(block, first, firstName) && isRepeated(block, row))
      )
        refuse(
          block.lines[row] as number,
          'the line is a second header: remove it, or split the file there',
        );
    }
  };
};

/** The rows of the text, in pieces. The leading byte order mark is not part of it. */
export const csvTable = ({ refuse, delimiter, onHeader }: CsvTableOptions): CsvReader => {
  let separator = delimiter ?? null;
  let reader: CsvReader | null = null;
  let head: Utf8Piece = { bytes: new Uint8Array(0), text: '' };
  let check: ((block: CsvBlock) => void) | null = null;

  const readHeader = (record: CsvRecord): void => {
    const names = namesOf(record, refuse);
    const known = new Set(names.filter((name) => name !== '' && !isTimeText(name)));
    const time = onHeader({ names, delimiter: separator as string, raw: record.raw });
    check = rowCheck({ names, known, time }, refuse);
  };

  const rowsOf = (block: CsvBlock): CsvBlock => {
    if (block.rows === 0) return block;
    const isFirst = check === null;
    if (isFirst) readHeader(recordOf(block, 0));
    const rows = isFirst ? withoutFirst(block) : block;
    check?.(rows);
    return rows;
  };

  /** The reader, once the text tells the delimiter. */
  const begin = (piece: Utf8Piece, last: boolean): CsvReader | null => {
    head = { bytes: joined(head.bytes, piece.bytes), text: head.text + piece.text };
    separator ??= delimiterOf(head.text, last);
    return separator === null ? null : csvReader(separator, refuse);
  };

  return {
    push(piece) {
      if (reader !== null) return rowsOf(reader.push(piece));
      reader = begin(piece, false);
      return reader === null ? NO_ROWS : rowsOf(reader.push(head));
    },
    end(piece) {
      const rows = rowsOf(
        reader === null ? (begin(piece, true) as CsvReader).end(head) : reader.end(piece),
      );
      if (check === null) refuse(1, 'the file is empty: its first line must name the columns');
      return rows;
    },
  };
};
