/**
 * A CSV reader after RFC 4180: UTF-8 in pieces becomes rows, with the line of the file in which
 * each begins. Nothing is guessed and nothing is skipped but empty lines. A line ends with LF, CRLF
 * or CR, in any mixture. A quote opens a quoted cell only as the cell's first character; elsewhere
 * in a cell without quotes it is an ordinary character. What has no single meaning is refused.
 *
 * It looks at bytes: in UTF-8, no character but an ASCII one has the bytes of a delimiter, a quote
 * or a line end.
 */
import { type CsvBlock, DOUBLED, PLAIN, QUOTED } from './csv-block.ts';
import { joined, type RefuseLine, type Utf8Piece } from './utf8-text.ts';

export interface CsvReader {
  /** the rows that are complete with this piece */
  push(piece: Utf8Piece): CsvBlock;
  /** the rows of the last piece, the last one with or without a line end */
  end(piece: Utf8Piece): CsvBlock;
}

const [LF, CR, QUOTE] = [10, 13, 34] as const;

/** Several times the largest event: a quote that is never closed is found without reading on. */
const MAX_RECORD_CHARS = 4_000_000;

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

const lineEnds = (bytes: Uint8Array, start: number, end: number): number => {
  let count = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    if (byte === LF || (byte === CR && bytes[at + 1] !== LF)) count++;
  }
  return count;
};

/** The end of a quoted cell whose quote is before `from`; −1: it is not in these bytes. */
const closingQuote = (bytes: Uint8Array, from: number): number => {
  for (let at = bytes.indexOf(QUOTE, from); at >= 0; at = bytes.indexOf(QUOTE, at + 2))
    if (bytes[at + 1] !== QUOTE) return at;
  return -1;
};

const grown = <T extends Uint8Array | Uint32Array | Float64Array>(
  array: T,
  make: new (length: number) => T,
): T => {
  const larger = new make(array.length * 2);
  larger.set(array);
  return larger;
};

/** The places of a block, which the next block overwrites. */
const createPlaces = () => ({
  starts: new Uint32Array(4096),
  ends: new Uint32Array(4096),
  lines: new Float64Array(4096),
  firstCells: new Uint32Array(4096),
  cellStarts: new Uint32Array(32_768),
  cellEnds: new Uint32Array(32_768),
  forms: new Uint8Array(32_768),
});

export const csvReader = (delimiter: string, refuse: RefuseLine): CsvReader => {
  const separator = delimiter.charCodeAt(0);
  const highest = Math.max(separator, CR);
  const places = createPlaces();
  let rest: Utf8Piece = { bytes: new Uint8Array(0), text: '' };
  let line = 1;

  const moreRows = (): void => {
    places.starts = grown(places.starts, Uint32Array);
    places.ends = grown(places.ends, Uint32Array);
    places.lines = grown(places.lines, Float64Array);
    places.firstCells = grown(places.firstCells, Uint32Array);
  };
  const moreCells = (): void => {
    places.cellStarts = grown(places.cellStarts, Uint32Array);
    places.cellEnds = grown(places.cellEnds, Uint32Array);
    places.forms = grown(places.forms, Uint8Array);
  };

  const checkLength = (bytes: Uint8Array, start: number, end: number): void => {
    if (end - start <= MAX_RECORD_CHARS) return;
    if (utf8.decode(bytes.subarray(start, end)).length > MAX_RECORD_CHARS)
      refuse(line, `the row has more than ${MAX_RECORD_CHARS} characters: is a quote not closed?`);
  };

  /** @returns the number of rows, and where the first one begins that is not complete */
  const scan = (bytes: Uint8Array, last: boolean): readonly [rows: number, next: number] => {
    const { length } = bytes;
    let { cellStarts, cellEnds, forms } = places;
    let rows = 0;
    let firstCell = 0;
    let cells = 0;
    let start = 0;
    reading: while (start < length) {
      cells = firstCell;
      let at = start;
      let quoted = false;
      let next = -1;
      while (next < 0) {
        if (cells === forms.length) {
          moreCells();
          ({ cellStarts, cellEnds, forms } = places);
        }
        if (bytes[at] === QUOTE) {
          const close = closingQuote(bytes, at + 1);
          if (close < 0 && last) refuse(line, 'a quote is opened and never closed');
          // a quote at the end of the bytes may be the first of two
          if (close < 0 || (close + 1 === length && !last)) break reading;
          quoted = true;
          cellStarts[cells] = at + 1;
          cellEnds[cells] = close;
          const inside = bytes.indexOf(QUOTE, at + 1);
          forms[cells] = inside < close ? DOUBLED : QUOTED;
          at = close + 1;
        } else {
          cellStarts[cells] = at;
          for (; at < length; at++) {
            const byte = bytes[at] as number;
            if (byte <= highest && (byte === separator || byte === LF || byte === CR)) break;
          }
          cellEnds[cells] = at;
          forms[cells] = PLAIN;
        }
        cells++;
        if (at >= length) {
          if (!last) break reading;
          next = length;
          break;
        }
        const byte = bytes[at];
        if (byte === separator) at++;
        else if (byte === LF) next = at + 1;
        else if (byte === CR) {
          if (at + 1 === length && !last) break reading;
          next = bytes[at + 1] === LF ? at + 2 : at + 1;
        } else
          refuse(
            line + lineEnds(bytes, start, at),
            `cell ${cells - firstCell} has text after its closing quote: put the whole cell in quotes, and double the quotes inside`,
          );
      }
      checkLength(bytes, start, at);
      if (at > start) {
        if (rows + 1 === places.starts.length) moreRows();
        places.starts[rows] = start;
        places.ends[rows] = at;
        places.lines[rows] = line;
        places.firstCells[rows] = firstCell;
        rows++;
        firstCell = cells;
      }
      line += quoted ? 1 + lineEnds(bytes, start, at) : 1;
      start = next;
    }
    places.firstCells[rows] = firstCell;
    return [rows, start];
  };

  const read = (piece: Utf8Piece, last: boolean): CsvBlock => {
    const bytes = joined(rest.bytes, piece.bytes);
    const text = rest.text + piece.text;
    const isAscii = text.length === bytes.length;
    const [rows, next] = scan(bytes, last);
    rest = {
      bytes: bytes.subarray(next),
      text: isAscii ? text.slice(next) : utf8.decode(bytes.subarray(next)),
    };
    checkLength(rest.bytes, 0, rest.bytes.length);
    return { ...places, rows, bytes, text: isAscii ? text : null };
  };

  return {
    push: (piece) => read(piece, false),
    end: (piece) => read(piece, true),
  };
};
