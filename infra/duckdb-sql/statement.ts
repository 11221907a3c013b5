/**
 * What a statement is, by DuckDB's own parser: the tables that it names, or why it is refused.
 *
 * DuckDB parses the text to a tree (`json_serialize_sql`, which takes queries only), and every node
 * of the tree is looked at. The kinds of table references are a closed list, and so are the table
 * functions: what a new version of DuckDB adds is refused until it is added here. Functions that
 * return one value read no files; those that show settings, definitions or sessions are refused.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { fail } from '#domain/errors.ts';

/** Functions that make rows from their arguments alone. */
const TABLE_FUNCTIONS: ReadonlySet<string> = new Set([
  'generate_series',
  'json_each',
  'json_tree',
  'range',
  'repeat',
  'repeat_row',
  'unnest',
]);

/**
 * Functions that show where tables are stored, how the engine is set up, or what it does beside
 * this statement; or that wait, log, or run text.
 */
export const REFUSED_FUNCTIONS: ReadonlySet<string> = new Set([
  'current_connection_id',
  'current_query',
  'current_query_id',
  'current_setting',
  'current_transaction_id',
  'currval',
  'format_type',
  'get_block_size',
  'getenv',
  'getvariable',
  'in_search_path',
  'json_deserialize_sql',
  'json_execute_serialized_sql',
  'json_serialize_plan',
  'json_serialize_sql',
  'nextval',
  'parse_duckdb_log_message',
  'pg_get_constraintdef',
  'pg_get_viewdef',
  'pg_sleep',
  'setseed',
  'sleep_ms',
  'stats',
  'txid_current',
  'write_log',
]);

/** Besides BASE_TABLE, TABLE_FUNCTION and SHOW_REF, which are checked one by one. */
const REFERENCES: ReadonlySet<string> = new Set([
  'EMPTY',
  'EXPRESSION_LIST',
  'JOIN',
  'PIVOT',
  'SUBQUERY',
]);

/** Names of the engine's own tables; and whatever a file could be called. */
const RESERVED = /^(duckdb_|pg_|pragma_|sqlite_)|[./\\:*?]/i;

type Node = Readonly<Record<string, unknown>>;

/** Names that WITH gives to queries, as far as they hold at one place of the statement. */
type Scope = ReadonlySet<string>;

const refuse = (what: string): never =>
  fail('MR_SQL_REFUSED', `${what}; a statement reads the tables of \`millrace sql tables\``);

/** A name with a schema or catalog would reach the engine's own tables. */
const plainName = (node: Node, what: string, ...parts: readonly string[]): void => {
  for (const part of parts)
    if (
      typeof node[part] === 'string' &&
      !['', 'main'].includes((node[part] as string).toLowerCase())
    )
      refuse(`${what} is named with "${node[part]}": name it without a schema`);
};

const tableReference = (node: Node, scope: Scope, found: Set<string>): void => {
  const type = node.type as string;
  switch (type) {
    case 'BASE_TABLE': {
      const name = String(node.table_name);
      plainName(node, `the table "${name}"`, 'schema_name', 'catalog_name');
      if (node.at_clause != null) refuse('a table cannot be read AT another version');
      if (!scope.has(name.toLowerCase())) found.add(name.toLowerCase());
      return;
    }
    case 'TABLE_FUNCTION': {
      const call = node.function as Node;
      const name = String(call.function_name).toLowerCase();
      if (!TABLE_FUNCTIONS.has(name)) refuse(`the table function "${name}" is not available`);
      return;
    }
    case 'SHOW_REF': {
      // DESCRIBE and SUMMARIZE of a query; SHOW lists tables of the engine.
      if (!['DESCRIBE', 'SUMMARY'].includes(String(node.show_type)) || node.query == null)
        refuse('SHOW is not available');
      return;
    }
    default:
      if (!REFERENCES.has(type)) refuse(`a table reference of the kind ${type} is not available`);
  }
};

const callOf = (node: Node): void => {
  const name = String(node.function_name).toLowerCase();
  plainName(node, `the function "${name}"`, 'schema', 'catalog');
  if (REFUSED_FUNCTIONS.has(name) || name.startsWith('__internal'))
    refuse(`the function "${name}" is not available`);
};

const withName = (scope: Scope, name: unknown): Scope => {
  const text = String(name);
  if (RESERVED.test(text)) refuse(`a query cannot be named "${text}" by WITH`);
  return new Set([...scope, text.toLowerCase()]);
};

/** Table references have an alias and a sample, and no class, which expressions have. */
const isReference = (node: Node): boolean =>
  'alias' in node && 'sample' in node && !('class' in node);

interface NamedQuery {
  readonly key: string;
  readonly value: unknown;
}

/**
 * The parts of a node, each with its scope. A query of WITH sees those before it, and itself if it
 * is recursive; otherwise its own name is that of a table.
 */
const partsOf = (node: Node, scope: Scope): readonly (readonly [unknown, Scope])[] => {
  const { cte_map: map, ...rest } = node;
  const parts: (readonly [unknown, Scope])[] = [];
  let inner = scope;
  for (const { key, value } of (map as { readonly map?: readonly NamedQuery[] } | null)?.map ??
    []) {
    parts.push([value, inner]);
    inner = withName(inner, key);
  }
  if (node.type === 'RECURSIVE_CTE_NODE') inner = withName(inner, node.cte_name ?? node.ctename);
  for (const part of Object.values(rest)) parts.push([part, inner]);
  return parts;
};

/** Without recursion: a statement may be nested deeply. */
const visit = (root: unknown, found: Set<string>): void => {
  const left: (readonly [unknown, Scope])[] = [[root, new Set()]];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const [value, scope] = next;
    if (typeof value !== 'object' || value === null) continue;
    if (Array.isArray(value)) {
      for (const item of value) left.push([item, scope]);
      continue;
    }
    const node = value as Node;
    if (isReference(node)) tableReference(node, scope, found);
    if (typeof node.function_name === 'string') callOf(node);
    left.push(...partsOf(node, scope));
  }
};

interface Serialized {
  readonly error: boolean;
  readonly error_type?: string;
  readonly error_message?: string;
  readonly position?: string;
  readonly statements?: readonly { readonly node: unknown; readonly named_param_map?: unknown }[];
}

/** Only a query can be serialized. */
const refuseOther = ({ error_type, error_message = '', position }: Serialized): never => {
  if (error_type === 'not implemented')
    return refuse('only a query (SELECT, WITH, FROM, VALUES, DESCRIBE, SUMMARIZE) is accepted');
  return fail(
    'MR_SQL_INVALID',
    error_message,
    position === undefined ? {} : { position: Number(position) },
  );
};

/**
 * @returns the names of tables that it reads, in lower case, which it does not itself define
 * @throws MR_SQL_INVALID, MR_SQL_REFUSED
 */
export const tablesOf = async (
  connection: DuckDBConnection,
  sql: string,
): Promise<readonly string[]> => {
  if (sql.includes('\0')) fail('MR_SQL_INVALID', 'the statement contains a NUL character');
  const result = await connection.runAndReadAll('SELECT json_serialize_sql($1::VARCHAR)', [sql]);
  const tree = JSON.parse(String(result.getRows()[0]?.[0])) as Serialized;
  if (tree.error) return refuseOther(tree);
  const [statement, another] = tree.statements ?? [];
  if (statement === undefined) return fail('MR_SQL_INVALID', 'there is no statement');
  if (another !== undefined) refuse('one statement at a time is accepted');
  if (Array.isArray(statement.named_param_map) && statement.named_param_map.length > 0)
    refuse('a statement has no parameters');
  const found = new Set<string>();
  visit(statement.node, found);
  return [...found];
};
