/** Prints code: a group is on one line if it fits, else each of its items has its own line. */

export type Doc = string | Group;

interface Group {
  readonly open: string;
  readonly items: readonly Doc[];
  readonly close: string;
  /** text between brackets and items on one line */
  readonly pad: string;
}

const WIDTH = 100;
const INDENT = '  ';

export const group = (open: string, items: readonly Doc[], close: string, pad = ''): Doc =>
  items.length === 0 ? `${open}${close}` : { open, items, close, pad };

const flat = (doc: Doc): string =>
  typeof doc === 'string'
    ? doc
    : `${doc.open}${doc.pad}${doc.items.map(flat).join(', ')}${doc.pad}${doc.close}`;

const write = (doc: Doc, indent: string, before: number, after: number): string => {
  const line = flat(doc);
  if (typeof doc === 'string' || (!line.includes('\n') && before + line.length + after <= WIDTH))
    return line;
  const inner = indent + INDENT;
  // The brackets of a call's only argument stay next to those of the call: `entity({` … `})`.
  if (doc.items.length === 1 && doc.open.endsWith('(')) {
    const only = doc.items[0] as Doc;
    if (typeof only !== 'string')
      return `${doc.open}${write(only, indent, before + doc.open.length, after + doc.close.length)}${doc.close}`;
  }
  const items = doc.items.map((item) => `${inner}${write(item, inner, inner.length, 1)},\n`);
  return `${doc.open}\n${items.join('')}${indent}${doc.close}`;
};

export const print = (doc: Doc): string => write(doc, '', 0, 1);

const CONTROL: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

export const text = (value: string): string => {
  const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
  const escaped = value
    .replaceAll('\\', '\\\\')
    .replaceAll(quote, `\\${quote}`)
    .replace(
      // biome-ignore lint/suspicious/noControlCharactersInRegex: it escapes control characters
      /[\u0000-\u001f\u2028\u2029]/g,
      (char) => CONTROL[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
  return `${quote}${escaped}${quote}`;
};

const RESERVED = new Set(
  'arguments await break case catch class const continue debugger default delete do else enum eval export extends false finally for function if implements import in instanceof interface let new null package private protected public return static super switch this throw true try typeof var void while with yield'.split(
    ' ',
  ),
);

export const isIdentifier = (name: string): boolean =>
  /^[A-Za-z_$][\w$]*$/.test(name) && !RESERVED.has(name);

const prefixed = (before: string, doc: Doc): Doc =>
  typeof doc === 'string' ? before + doc : { ...doc, open: before + doc.open };

/** An object literal without its undefined properties. */
export const object = (entries: readonly (readonly [key: string, value: Doc | undefined])[]): Doc =>
  group(
    '{',
    entries.flatMap(([key, value]) => {
      if (value === undefined) return [];
      const name = /^[A-Za-z_$][\w$]*$/.test(key) ? key : text(key);
      return value === name ? [name] : [prefixed(`${name}: `, value)];
    }),
    '}',
    ' ',
  );

export const list = (items: readonly Doc[]): Doc => group('[', items, ']');
export const call = (name: string, ...args: readonly Doc[]): Doc => group(`${name}(`, args, ')');

/** Comment lines, with `//`. */
export const comment = (lines: string): string =>
  lines
    .split(/\r\n|[\n\r\u2028\u2029]/)
    .map((line) => `// ${line}`.trimEnd())
    .join('\n');
