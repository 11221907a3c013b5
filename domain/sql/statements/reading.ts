/** What is known while a statement is read, and the steps that all tokens share. */
import { type Frame, frame, withName } from './frames.ts';
import type { Token } from './tokens.ts';
import { invalid, isName, isSymbol, refuse, TABLE_FUNCTIONS } from './words.ts';

/** A table, or a query of WITH, that the statement reads, by the place of its token. */
export interface Reference {
  readonly place: number;
  /** as it must be written to mean what it names: a table in lower case, a query as it was named */
  readonly name: string;
}

export interface Reading {
  readonly tokens: readonly Token[];
  /** the frames that are open, the innermost last */
  readonly frames: Frame[];
  readonly references: Reference[];
  /** in lower case */
  readonly tables: Set<string>;
  /** the names of all queries of WITH, in lower case */
  readonly named: Set<string>;
  readonly isRefused: (functionName: string) => boolean;
}

const MAX_DEPTH = 200;
/** A query may end there. */
const COMPLETE: ReadonlySet<Frame['state']> = new Set(['select', 'from', 'rest']);

export const topOf = ({ frames }: Reading): Frame => frames.at(-1) as Frame;
export const isComplete = ({ state }: Frame): boolean => COMPLETE.has(state);

/** Whether a table comes next. */
export const atTable = ({ kind, state }: Frame): boolean =>
  state === 'table' || (state === 'start' && kind === 'tables');

/** A token that belongs to an expression, an alias or a clause. */
export const takePlain = (top: Frame, text: string): void => {
  if (isComplete(top)) return;
  if (top.state !== 'start') invalid(`"${text}" is not expected there`);
  if (top.kind !== 'group') refuse('only a query (SELECT, or WITH … SELECT) is accepted');
  top.state = 'rest';
};

const openTables = (reading: Reading, top: Frame): void => {
  top.state = 'from';
  reading.frames.push(frame('tables', top.names));
};

/** The query of a name of WITH sees those before it, and itself if WITH is recursive. */
const openDefinition = (reading: Reading, top: Frame): void => {
  const { names, defining, recursive } = top;
  top.state = 'defined';
  const seen = recursive && defining !== null ? withName(names, defining) : names;
  reading.frames.push(frame('query', seen));
};

/** @param place of the parenthesis */
export const open = (reading: Reading, place: number): void => {
  const { frames, tokens } = reading;
  const top = topOf(reading);
  if (frames.length >= MAX_DEPTH) refuse(`more than ${MAX_DEPTH} parentheses are open`);
  if (atTable(top)) return openTables(reading, top);
  if (top.state === 'as') return openDefinition(reading, top);
  if (top.state === 'with' || top.state === 'defined') invalid('"(" is not expected there');
  if (top.kind === 'query' && (top.state === 'start' || top.state === 'body')) {
    top.state = 'rest';
    frames.push(frame('query', top.names));
    return;
  }
  if (top.state === 'start') top.state = 'rest';
  const before = tokens[place - 1];
  const call = isName(before) ? (before as Token).text.toLowerCase() : null;
  frames.push(frame('group', top.names, call));
};

export const close = (reading: Reading): void => {
  const closed = reading.frames.pop() as Frame;
  if (reading.frames.length === 0) invalid('a parenthesis is closed that was not opened');
  if (closed.kind !== 'group' && !isComplete(closed)) invalid('a query is not complete');
  const top = topOf(reading);
  if (top.state !== 'defined' || top.defining === null) return;
  top.names = withName(top.names, top.defining);
  top.defining = null;
};

/** The name of a query of WITH. */
export const define = (reading: Reading, { text }: Token): void => {
  const top = topOf(reading);
  top.defining = text;
  top.state = 'named';
  reading.named.add(text.toLowerCase());
};

/** The name of a function, before its arguments. */
export const checkCall = ({ tokens, isRefused }: Reading, token: Token, place: number): void => {
  const name = token.text.toLowerCase();
  if (isSymbol(tokens[place - 1], '.'))
    refuse(`the function "${token.text}" is named with a schema`);
  if (isRefused(name) || (token.is === 'name' && name === 'in'))
    refuse(`the function "${token.text}" is not available`);
};

/** The name of a table. */
export const refer = (reading: Reading, token: Token, place: number): void => {
  const { tokens, tables, references } = reading;
  const top = topOf(reading);
  const next = tokens[place + 1];
  top.state = 'from';
  if (isSymbol(next, '.') || (next?.is === 'number' && next.text.startsWith('.')))
    refuse(`the table "${token.text}" is named with a schema: name it without`);
  const lower = token.text.toLowerCase();
  if (isSymbol(next, '(')) {
    if (token.is === 'word' && TABLE_FUNCTIONS.has(lower)) return;
    refuse(`the table function "${token.text}" is not available`);
  }
  const query = top.names.get(lower);
  if (query === undefined) tables.add(lower);
  references.push({ place, name: query ?? lower });
};
