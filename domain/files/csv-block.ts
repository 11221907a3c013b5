/**
 * Rows of a CSV file as places in its bytes: a million rows cost no object each. A block is valid
 * until the reader that made it reads on.
 */

/** How a cell is written. In `DOUBLED` cells, two quotes stand for one. */
export const [PLAIN, QUOTED, DOUBLED] = [0, 1, 2] as const;

export interface CsvBlock {
  readonly rows: number;
  readonly bytes: Uint8Array;
  /** the bytes as text where all are ASCII, so that places are the same in both; else null */
  readonly text: string | null;
  /** by row: where it begins, and where its line end begins */
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  /** by row: the line of the file in which it begins; the first line is 1 */
  readonly lines: Float64Array;
  /** by row: the index of its first cell; after the last row: the number of cells */
  readonly firstCells: Uint32Array;
  /** by cell: its content, without quotes around it */
  readonly cellStarts: Uint32Array;
  readonly cellEnds: Uint32Array;
  readonly forms: Uint8Array;
}

export const NO_ROWS: CsvBlock = {
  rows: 0,
  bytes: new Uint8Array(0),
  text: '',
  starts: new Uint32Array(0),
  ends: new Uint32Array(0),
  lines: new Float64Array(0),
  firstCells: new Uint32Array(1),
  cellStarts: new Uint32Array(0),
  cellEnds: new Uint32Array(0),
  forms: new Uint8Array(0),
};

export interface CsvRecord {
  readonly line: number;
  /** the record as it is in the file, without its line end */
  readonly raw: string;
  /** null: an empty cell without quotes */
  readonly cells: readonly (string | null)[];
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

const slice = ({ bytes, text }: CsvBlock, start: number, end: number): string =>
  text === null ? utf8.decode(bytes.subarray(start, end)) : text.slice(start, end);

export const isNullCell = ({ cellStarts, cellEnds, forms }: CsvBlock, cell: number): boolean =>
  forms[cell] === PLAIN && cellStarts[cell] === cellEnds[cell];

/** @param cell its index; null: an empty cell without quotes */
export const cellText = (block: CsvBlock, cell: number): string | null => {
  const [start, end] = [block.cellStarts[cell] as number, block.cellEnds[cell] as number];
  const form = block.forms[cell];
  if (start === end) return form === PLAIN ? null : '';
  const text = slice(block, start, end);
  return form === DOUBLED ? text.replaceAll('""', '"') : text;
};

export const rowText = (block: CsvBlock, row: number): string =>
  slice(block, block.starts[row] as number, block.ends[row] as number);

export const rowCells = (block: CsvBlock, row: number): readonly (string | null)[] => {
  const first = block.firstCells[row] as number;
  const count = (block.firstCells[row + 1] as number) - first;
  return Array.from({ length: count }, (_, i) => cellText(block, first + i));
};

export const recordOf = (block: CsvBlock, row: number): CsvRecord => ({
  line: block.lines[row] as number,
  raw: rowText(block, row),
  cells: rowCells(block, row),
});

/** The block without its first row. */
export const withoutFirst = (block: CsvBlock): CsvBlock => ({
  ...block,
  rows: block.rows - 1,
  starts: block.starts.subarray(1),
  ends: block.ends.subarray(1),
  lines: block.lines.subarray(1),
  firstCells: block.firstCells.subarray(1),
});
