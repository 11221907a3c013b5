/**
 * A CSV file as a table: a header, then rows that have a cell for each column. The header's line
 * fixes the delimiter and the names. A row with another number of cells, and a header that is
 * repeated among the rows (two exports in one file), are refused with their line.
 */
import { readIsoTime } from '#domain/values/time.ts';
import { type CsvReader, type CsvRecord, csvReader, type RefuseLine } from './csv-reader.ts';

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

/** The rows of the text, in pieces. The leading byte order mark is not part of it. */
export const csvTable = ({ refuse, delimiter, onHeader }: CsvTableOptions): CsvReader => {
  let reader: CsvReader | null = null;
  let head = '';
  let names: readonly string[] | null = null;
  let known: ReadonlySet<string> = new Set();
  let time = -1;

  const readHeader = (record: CsvRecord, separator: string): void => {
    names = namesOf(record, refuse);
    known = new Set(names.filter((name) => name !== '' && !isTimeText(name)));
    time = onHeader({ names, delimiter: separator, raw: record.raw });
  };

  /** A column's name is no time, so a row that has one in place of its time is a header. */
  const isHeader = (cell: string | null | undefined): boolean =>
    typeof cell === 'string' && known.has(cell.startsWith(MARK) ? cell.slice(1) : cell);

  const isRepeated = ({ cells: found }: CsvRecord): boolean => {
    const all = names as readonly string[];
    return all.length > 1 && found[0] === all[0] && found.every((cell, i) => cell === all[i]);
  };

  const check = (record: CsvRecord): void => {
    const width = (names as readonly string[]).length;
    const found = record.cells.length;
    if (found !== width && record.cells.filter(isHeader).length * 2 > found)
      refuse(record.line, `the line is a second header, of ${cells(found)}: split the file there`);
    if (found !== width)
      refuse(
        record.line,
        `the row has ${cells(found)}, and the header has ${width}: correct the row, or put cells with the delimiter in quotes`,
      );
    if (isHeader(record.cells[time]) || isRepeated(record))
      refuse(record.line, 'the line is a second header: remove it, or split the file there');
  };

  const rowsOf = (records: readonly CsvRecord[], separator: string): readonly CsvRecord[] => {
    let rows = records;
    if (names === null && records.length > 0) {
      readHeader(records[0] as CsvRecord, separator);
      rows = records.slice(1);
    }
    for (const row of rows) check(row);
    return rows;
  };

  let separator = delimiter ?? null;
  const read = (text: string, last: boolean): readonly CsvRecord[] => {
    if (reader === null) {
      head += text;
      separator ??= delimiterOf(head, last);
      if (separator === null) return [];
      reader = csvReader(separator, refuse);
      const all = head;
      head = '';
      return rowsOf(reader.push(all), separator);
    }
    return rowsOf(reader.push(text), separator as string);
  };

  return {
    push: (text) => read(text, false),
    end() {
      const rows = [...read('', true), ...rowsOf((reader as CsvReader).end(), separator as string)];
      if (names === null) refuse(1, 'the file is empty: its first line must name the columns');
      return rows;
    },
  };
};
