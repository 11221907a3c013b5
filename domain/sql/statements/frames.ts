/**
 * Where in a statement a token is: one frame for each pair of parentheses that is open.
 *
 * | kind | is |
 * |---|---|
 * | query | a SELECT with its clauses |
 * | tables | what FROM may have in parentheses: tables with joins, or a query |
 * | group | arguments, lists, expressions; becomes a query if it begins with SELECT or WITH |
 *
 * | state | comes next |
 * |---|---|
 * | start | the first token of the frame |
 * | with, named, as, defined | the name of a query of WITH, AS, its query, a comma or the SELECT |
 * | body | the SELECT after the queries of WITH, or after UNION |
 * | select | the columns of a SELECT |
 * | table | a table |
 * | from | whatever follows a table: an alias, ON, a comma, JOIN |
 * | rest | the clauses after FROM; in a group, anything |
 */

export interface Frame {
  kind: 'query' | 'tables' | 'group';
  state:
    | 'start'
    | 'with'
    | 'named'
    | 'as'
    | 'defined'
    | 'body'
    | 'select'
    | 'table'
    | 'from'
    | 'rest';
  /** queries that WITH has named up to here: name in lower case → as it is written */
  names: ReadonlyMap<string, string>;
  /** of the WITH */
  recursive: boolean;
  /** the name of the query of WITH that is being defined */
  defining: string | null;
  /** what is called with these arguments, in lower case */
  readonly call: string | null;
}

export const frame = (
  kind: Frame['kind'],
  names: Frame['names'],
  call: string | null = null,
): Frame => ({ kind, state: 'start', names, recursive: false, defining: null, call });

export const withName = (names: Frame['names'], name: string): Frame['names'] =>
  new Map([...names, [name.toLowerCase(), name]]);
