/**
 * Random tables, written in every way that CSV allows, are read back cell by cell, wherever the
 * bytes are cut. What has no single meaning is refused with its line.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CsvRecord } from './csv-block.ts';
import { csvRows } from './csv-rows.ts';

const DELIMITERS = [',', ';', '\t', '|'] as const;

interface Read {
  readonly names: readonly string[];
  readonly rows: readonly CsvRecord[];
}

const refuse = (line: number, what: string): never => {
  throw new Error(`line ${line}: ${what}`);
};

const pieces = async function* (bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
};

const read = async (bytes: Uint8Array, size = 1 << 16, time = 0): Promise<Read> => {
  let names: readonly string[] = [];
  const rows: CsvRecord[] = [];
  const onHeader = (header: { readonly names: readonly string[] }): number => {
    ({ names } = header);
    return time;
  };
  for await (const some of csvRows(pieces(bytes, size), { refuse, onHeader })) rows.push(...some);
  return { names, rows };
};

const readText = (text: string, size?: number, time?: number): Promise<Read> =>
  read(new TextEncoder().encode(text), size, time);

const content = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.string({ unit: fc.constantFrom('"', ',', ';', '\n', '\r', '\r\n', ' ', 'é', '\uFEFF', 'x') }),
  fc.constantFrom('', '0', '007', 'NULL', '\\N', '#', "'", '\0', '😀'),
);
/** A cell, and whether quotes are put around it where it needs none. */
const cell = fc.option(fc.tuple(content, fc.boolean()), { freq: 8 });

const written = (value: string, quotes: boolean, delimiter: string): string =>
  quotes ||
  value === '' ||
  value.startsWith('"') ||
  /[\n\r]/.test(value) ||
  value.includes(delimiter)
    ? `"${value.replaceAll('"', '""')}"`
    : value;

const linesIn = (text: string): number => text.split(/\r\n|\n|\r/).length - 1;

describe('a table', () => {
  it('is read back, cell by cell, with the line of each row', async () => {
    const table = fc
      .integer({ min: 2, max: 4 })
      .chain((width) =>
        fc.array(fc.array(cell, { minLength: width, maxLength: width }), { maxLength: 8 }),
      );
    const ends = fc.array(fc.constantFrom('\n', '\r\n', '\r', '\n\n'), {
      minLength: 10,
      maxLength: 10,
    });
    await fc.assert(
      fc.asyncProperty(
        table,
        ends,
        fc.constantFrom(...DELIMITERS),
        fc.integer({ min: 1, max: 40 }),
        fc.boolean(),
        fc.boolean(),
        async (rows, lineEnds, delimiter, size, mark, lastEnd) => {
          const width = rows[0]?.length ?? 2;
          const names = Array.from({ length: width }, (_, i) => `name ${i}`);
          let text = names.join(delimiter) + lineEnds[0];
          let line = 1 + linesIn(lineEnds[0] as string);
          const expected: { line: number; raw: string; cells: (string | null)[] }[] = [];
          rows.forEach((row, i) => {
            const raw = row
              .map((one) => (one === null ? '' : written(one[0], one[1], delimiter)))
              .join(delimiter);
            const end = i === rows.length - 1 && !lastEnd ? '' : (lineEnds[i + 1] as string);
            expected.push({ line, raw, cells: row.map((one) => one?.[0] ?? null) });
            text += raw + end;
            line += linesIn(raw) + linesIn(end);
          });
          const result = await readText((mark ? '\uFEFF' : '') + text, size);
          expect(result.names).toEqual(names);
          expect(result.rows).toEqual(expected);
        },
      ),
      { numRuns: 400 },
    );
  });

  it.each([
    ['a late quote', `t,v\n${'1,x\n'.repeat(30_000)}1,"a ""b"", c"\n`, 30_001, 'a "b", c'],
    ['a quote inside a cell without quotes', 't,v\n1,5" pipe\n', 1, '5" pipe'],
    ['spaces', 't,v\n1, x \n', 1, ' x '],
    ['a mark inside', 't,v\n1,\uFEFFx', 1, '\uFEFFx'],
    ['the name of another column as a value', 't,v\n1,t\n', 1, 't'],
    ['no line end after the last row', 't,v\n1,x', 1, 'x'],
    ['CR alone', 't,v\r1,x\r', 1, 'x'],
    ['empty lines', '\n\nt,v\n\n1,x\r\n\r\n', 1, 'x'],
    ['a header in quotes', '"t","v"\n1,x', 1, 'x'],
    ['a header with a line end', '"t","v\nw"\n1,x', 1, 'x'],
    ['a name that is a time', '2026-01-01T00:00:00Z,v\n2026-01-01T00:00:00Z,x', 1, 'x'],
  ])('has %s', async (_, text, rows, last) => {
    const result = await readText(text);
    expect(result.rows).toHaveLength(rows);
    expect(result.rows.at(-1)?.cells[1]).toBe(last);
  });

  it.each([
    ['t,v', ','],
    ['t;v', ';'],
    ['t\tv', '\t'],
    ['t|v', '|'],
    ['"t,u,w";v', ';'],
    ['"t"",""";v', ';'],
    ['one', ','],
  ])('with the header %j is separated by %j', async (header, delimiter) => {
    let found = '';
    const options = {
      refuse,
      onHeader: (read: { readonly delimiter: string }) => {
        found = read.delimiter;
        return 0;
      },
    };
    const bytes = new TextEncoder().encode(header);
    for await (const _ of csvRows(pieces(bytes, 3), options));
    expect(found).toBe(delimiter);
  });
});

describe('a file is refused', () => {
  it.each([
    ['t,v\n1,x\n2\n', /^line 3: the row has 1 cell, and the header has 2/],
    ['t,v\n1,x\n2,y,z\n', /^line 3: the row has 3 cells, and the header has 2/],
    ['t,v\n1,"x\ny\r\nz"\n2\n', /^line 5: the row has 1 cell/],
    ['t,v\n1,x\n   \n', /^line 3: the row has 1 cell/],
    ['t,v\n1,"x\n2,y\n', /^line 2: a quote is opened and never closed/],
    ['t,v\n1,"x" \n', /^line 2: cell 2 has text after its closing quote/],
    ['t,v\n1,"x\n"y"\n', /^line 3: cell 2 has text after its closing quote/],
    ['t,t\n1,x\n', /^line 1: columns 1 and 2 of the header are both "t"/],
    ['t,,v,\n1,x\n', /^line 1: columns 2 and 4 of the header are both without a name/],
    ['t,v\n1,x\nt,v\n2,y\n', /^line 3: the line is a second header/],
    ['t,v\n1,x\nv,t\n2,y\n', /^line 3: the line is a second header/],
    ['t,v\n1,x\n\uFEFFt,v\n2,y\n', /^line 3: the line is a second header/],
    ['t,v\n1,x\nt,w\n2,y\n', /^line 3: the line is a second header/],
    ['t,v\n1,x\nt,v,w\n2,y,z\n', /^line 3: the line is a second header, of 3 cells/],
    ['', /^line 1: the file is empty/],
    ['\n\n', /^line 1: the file is empty/],
    ['t\0,\0v\0\n', /^line 1: the header has NUL/],
  ])('%j', async (text, message) => {
    await expect(readText(text)).rejects.toThrow(message);
    await expect(readText(text, 1)).rejects.toThrow(message);
  });

  it('whose header is repeated, if it has no times', async () => {
    await expect(readText('a,b\n1,x\na,b\n', 3, -1)).rejects.toThrow(/^line 3: .* second header/);
    expect((await readText('a,b\na,x\nb,b\n', 3, -1)).rows).toHaveLength(2);
    expect((await readText('a\na\n', 3, -1)).rows).toHaveLength(1);
  });

  it('that is not UTF-8, with its line', async () => {
    for (const bad of [[0xe9], [0xc3, 0x28], [0xff], [0xed, 0xa0, 0x80], [0xf0, 0x9f, 0x98]]) {
      const start = new TextEncoder().encode('t,v\n1,é😀\n2,');
      const bytes = Uint8Array.from([...start, ...bad, 10, 51, 44, 52, 10]);
      await expect(read(bytes)).rejects.toThrow(/^line 3: the text is not UTF-8/);
      await expect(read(bytes, 1)).rejects.toThrow(/^line 3: the text is not UTF-8/);
    }
  });

  it('whose quote is never closed, before it is read to its end', async () => {
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode('t,v\n1,"');
      for (;;) yield new Uint8Array(1 << 20).fill(120);
    };
    const rows = csvRows(endless(), { refuse, onHeader: () => 0 });
    await expect(
      (async () => {
        for await (const _ of rows);
      })(),
    ).rejects.toThrow(/^line 2: the row has more than 4000000 characters/);
  });
});
