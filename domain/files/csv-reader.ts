/**
 * A CSV reader after RFC 4180: text in pieces becomes records, with the line of the file in which
 * each begins. Nothing is guessed and nothing is skipped but empty lines. A line ends with LF, CRLF
 * or CR, in any mixture. A quote opens a quoted cell only as the cell's first character; elsewhere
 * in a cell without quotes it is an ordinary character. What has no single meaning is refused.
 */

export interface CsvRecord {
  /** the line of the file in which the record begins; the first line is 1 */
  readonly line: number;
  /** the record as it is in the file, without its line end */
  readonly raw: string;
  /** null: an empty cell without quotes */
  readonly cells: readonly (string | null)[];
}

/** Ends the reading: throws an error that names the line. */
export type RefuseLine = (line: number, what: string) => never;

export interface CsvReader {
  /** the records that are complete with this text */
  push(text: string): readonly CsvRecord[];
  /** the last record, if the text does not end with a line end */
  end(): readonly CsvRecord[];
}

const [LF, CR, QUOTE] = [10, 13, 34] as const;

/** Several times the largest event: a quote that is never closed is found without reading on. */
const MAX_RECORD_CHARS = 4_000_000;

const lineEnds = (text: string): number => text.match(/\r\n|\n|\r/g)?.length ?? 0;

interface Parsed {
  readonly cells: readonly (string | null)[];
  /** where the record's line end begins */
  readonly end: number;
  /** where the next record begins */
  readonly next: number;
  readonly quoted: boolean;
}

export const csvReader = (delimiter: string, refuse: RefuseLine): CsvReader => {
  const separator = delimiter.charCodeAt(0);
  let rest = '';
  let line = 1;

  const tooLong = (): never =>
    refuse(line, `the row has more than ${MAX_RECORD_CHARS} characters: is a quote not closed?`);

  /** Where the quoted cell that begins at `from` is closed; −1: not in this text. */
  const closingQuote = (text: string, from: number, last: boolean): number => {
    for (let at = from + 1; ; at += 2) {
      at = text.indexOf('"', at);
      if (at < 0 && last) refuse(line, 'a quote is opened and never closed');
      if (at < 0 || (at + 1 === text.length && !last)) return -1;
      if (text.charCodeAt(at + 1) !== QUOTE) return at;
    }
  };

  /** The record that begins at `from`; null: the text ends before the record does. */
  const parse = (text: string, from: number, last: boolean): Parsed | null => {
    const { length } = text;
    const cells: (string | null)[] = [];
    let quoted = false;
    for (let at = from; ; at++) {
      if (text.charCodeAt(at) === QUOTE) {
        const close = closingQuote(text, at, last);
        if (close < 0) return null;
        const inside = text.slice(at + 1, close);
        cells.push(inside.includes('"') ? inside.replaceAll('""', '"') : inside);
        quoted = true;
        at = close + 1;
      } else {
        const start = at;
        for (; at < length; at++) {
          const char = text.charCodeAt(at);
          if (char === separator || char === LF || char === CR) break;
        }
        cells.push(at === start ? null : text.slice(start, at));
      }
      if (at >= length) return last ? { cells, end: length, next: length, quoted } : null;
      const char = text.charCodeAt(at);
      if (char === LF) return { cells, end: at, next: at + 1, quoted };
      if (char === CR) {
        if (at + 1 === length && !last) return null;
        const next = text.charCodeAt(at + 1) === LF ? at + 2 : at + 1;
        return { cells, end: at, next, quoted };
      }
      if (char !== separator)
        refuse(
          line + lineEnds(text.slice(from, at)),
          `cell ${cells.length} has text after its closing quote: put the whole cell in quotes, and double the quotes inside`,
        );
    }
  };

  const read = (text: string, last: boolean): readonly CsvRecord[] => {
    const records: CsvRecord[] = [];
    let at = 0;
    while (at < text.length) {
      const parsed = parse(text, at, last);
      if (parsed === null) break;
      const raw = text.slice(at, parsed.end);
      if (raw.length > MAX_RECORD_CHARS) tooLong();
      if (raw !== '') records.push({ line, raw, cells: parsed.cells });
      line += parsed.quoted ? 1 + lineEnds(raw) : 1;
      at = parsed.next;
    }
    rest = text.slice(at);
    if (rest.length > MAX_RECORD_CHARS) tooLong();
    return records;
  };

  return {
    push: (text) => read(rest + text, false),
    end: () => read(rest, true),
  };
};
