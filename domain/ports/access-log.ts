/**
 * Where the access log goes: who read what, and how much of it; never values or keys of entities.
 *
 * Promises (infra/access-log/file-access-log.unit.test.ts): entries are written in the order in
 * which they were given, each once. What cannot be written is counted and reported; the count is
 * in the log once it can be written again. `close` resolves when everything given is written or
 * counted.
 */
export type AccessAct =
  | 'read'
  | 'dataset'
  | 'batch'
  | 'export'
  | 'explain'
  | 'served'
  | 'skew'
  | 'sql'
  /** a table whose files another engine then reads */
  | 'table';

export interface AccessEntry {
  /** epoch ms: when it was requested */
  readonly time: number;
  readonly act: AccessAct;
  /** id of the principal; `open` while callers are not authenticated */
  readonly principal: string;
  /** its name */
  readonly actor: string;
  /** as in the answer's headers and the server's log; null: it has none */
  readonly request: string | null;
  /** kind/name, table/name, or features as they were requested */
  readonly what: readonly string[];
  /** of all that it shows */
  readonly namespaces: readonly string[];
  /** rows of a spine, an export or a result of SQL, entities of a read; null: it is not known */
  readonly entities: number | null;
  /** `ok`, or the code of the failure; refusals of access are in the audit log instead */
  readonly outcome: string;
  /** the share of such requests that is logged */
  readonly sample: number;
}

export interface AccessLog {
  /** Does not wait. */
  readonly write: (entry: AccessEntry) => void;
  readonly close: () => Promise<void>;
}

/** From 0 to 1: of each namespace, and of those that are not named. */
export interface AccessSamples {
  readonly others: number;
  readonly byNamespace: ReadonlyMap<string, number>;
}
