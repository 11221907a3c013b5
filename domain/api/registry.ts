/**
 * What authors of definitions can request. Times are epoch ms; refusals are thrown as
 * MillraceError.
 */
import type { Definition, Kind } from '#domain/definitions/model.ts';
import type { Problem } from '#domain/errors.ts';
import type { Caller } from './caller.ts';

export type MayBreak = (id: string) => boolean;

/** What the authorization adds to a request. */
export interface Consent {
  /** whether the caller may break a definition, as kind/name, by a forced change; absent: any */
  readonly mayBreak?: MayBreak;
}

export interface CommandRequest {
  readonly type: string;
  readonly data: unknown;
  readonly expectedVersion?: number;
  readonly reason?: string;
  readonly force?: boolean;
}

export interface CommandResult {
  readonly events: readonly { readonly type: string; readonly data: unknown }[];
  readonly position: string;
}

export type ChangeCost = 'none' | 'compatible' | 'replay' | 'breaking';

export interface PlannedChange {
  readonly kind: Kind;
  readonly name: string;
  /** restore: it is retired or, where an export says so, deprecated */
  readonly action: 'create' | 'revise' | 'unchanged' | 'restore' | 'deprecate' | 'retire';
  readonly cost: ChangeCost;
  /** path → before, after */
  readonly fields: readonly {
    readonly path: string;
    readonly before: unknown;
    readonly after: unknown;
    readonly cost: ChangeCost;
  }[];
  /** sentences: what would break, or why a replay is needed */
  readonly notes: readonly string[];
  readonly problems: readonly Problem[];
}

/** A registered definition that is not among those of the request. */
export interface MissingDefinition {
  readonly kind: Kind;
  readonly name: string;
  /** what would still refer to it, as kind/name: it cannot be retired then */
  readonly usedBy: readonly string[];
}

export interface PlanResult {
  readonly changes: readonly PlannedChange[];
  /**
   * those in the namespaces of the request's definitions, in the order in which they can be
   * retired: readers before what they read. Empty if they are retired: they are `changes` then.
   */
  readonly missing: readonly MissingDefinition[];
}

/** What an export says of a definition: another registry takes both over, if it can. */
export interface ExportedStatus {
  readonly kind: Kind;
  readonly name: string;
  readonly version: number;
  readonly status: 'active' | 'deprecated';
}

/** A file of this form moves definitions from one registry to another. */
export interface RegistryExport {
  readonly millrace: 'registry';
  /** what is not retired, by kind and name */
  readonly definitions: readonly (ExportedStatus & { readonly definition: Definition })[];
}

export interface PlanOptions {
  /** of definitions that come from an export */
  readonly exported?: readonly ExportedStatus[];
  /** also retire what is `missing` */
  readonly prune?: boolean;
}

export interface ApplyOptions extends PlanOptions {
  readonly reason?: string;
  readonly force?: boolean;
}

export interface ApplyResult extends PlanResult {
  readonly position: string;
  readonly applied: number;
}

export interface CatalogFeature {
  readonly name: string;
  /** of what reads answer; it ends with `?` if a read can answer null */
  readonly type: string;
  readonly description: string | null;
  /**
   * the aggregation with its window and hop, or the expression of an on-demand feature; null: what
   * it is made of is not registered
   */
  readonly computes: string | null;
  /** duration; null: all time, or on demand */
  readonly window: string | null;
  /** duration: the default where the definition names none; null: no window */
  readonly hop: string | null;
}

export interface CatalogEntry {
  readonly kind: Kind;
  readonly name: string;
  readonly version: number;
  readonly status: 'active' | 'deprecated' | 'retired';
  readonly namespace: string;
  readonly owner: string | null;
  readonly description: string | null;
  readonly tags: readonly string[];
  readonly definition: Definition;
  readonly versions: readonly {
    readonly version: number;
    readonly registeredAt: number;
    readonly actor: string;
    readonly reason: string | null;
  }[];
  readonly features?: readonly CatalogFeature[];
  readonly materializations?: readonly {
    readonly store: string;
    readonly location: string;
    readonly generation: number;
    readonly position: string;
    readonly eventTime: number | null;
    /** the job or projection that fills it; absent: this process */
    readonly job?: string;
  }[];
  /** of a feature view: the SQL that Flink runs for it on the stack profile */
  readonly sql?: string;
  readonly upstream: readonly string[];
  readonly downstream: readonly string[];
}

/** A named data set in the catalog: its newest version. */
export interface CatalogDataset
  extends Pick<
    CatalogEntry,
    'name' | 'version' | 'namespace' | 'owner' | 'versions' | 'upstream' | 'downstream'
  > {
  readonly kind: 'dataset';
  readonly status: 'active';
  readonly description: string | null;
  readonly tags: readonly string[];
  /** the service or view whose features it has, as kind/name */
  readonly of: string;
  /** epoch ms: when the version was made */
  readonly createdAt: number;
  /** null: it was never built to the end */
  readonly rows: number | null;
}

export type Found = CatalogEntry | CatalogDataset;

export interface LineageGraph {
  readonly nodes: readonly {
    readonly id: string;
    readonly kind: string;
    /** of a named data set: its newest version */
    readonly dataset?: Pick<CatalogDataset, 'version' | 'createdAt' | 'rows'>;
  }[];
  readonly edges: readonly { readonly from: string; readonly to: string }[];
}

/** Definitions: changing them, and looking them up. */
export interface Registry {
  command(request: CommandRequest & Consent, caller: Caller): Promise<CommandResult>;
  plan(
    definitions: readonly Definition[],
    options?: PlanOptions,
    caller?: Caller,
  ): Promise<PlanResult>;
  apply(
    definitions: readonly Definition[],
    options: ApplyOptions & Consent,
    caller: Caller,
  ): Promise<ApplyResult>;
  /** All definitions that are not retired. */
  exported(caller?: Caller): Promise<RegistryExport>;
  /** Of the registry as this process has read it: `registry@0:12`. */
  position(caller?: Caller): Promise<string>;
  /**
   * @param asOf a position of the registry: the answer is the one of then, without what is stored
   * where now (`materializations`, `sql`); absent: now
   * @throws MR_POSITION_NOT_REACHED where the registry has no such position yet
   */
  list(kind: Kind, caller?: Caller, asOf?: string): Promise<readonly CatalogEntry[]>;
  /** @param asOf as in `list` */
  show(
    kind: Kind,
    name: string,
    version?: number,
    caller?: Caller,
    asOf?: string,
  ): Promise<CatalogEntry>;
  /**
   * Definitions, then named data sets.
   * @param asOf as in `list`
   */
  search(text: string, caller?: Caller, asOf?: string): Promise<readonly Found[]>;
  /**
   * Named data sets, by name.
   * @param asOf as in `list`
   */
  datasets(caller?: Caller, asOf?: string): Promise<readonly CatalogDataset[]>;
  /**
   * @param name any registered name; absent: the whole graph
   * @param asOf as in `list`
   */
  lineage(name?: string, caller?: Caller, asOf?: string): Promise<LineageGraph>;
  /** OpenLineage events, oldest first. `after`: the `next` of the page before. */
  lineageEvents(
    query: { readonly after?: number; readonly limit?: number },
    caller?: Caller,
  ): Promise<{ readonly events: readonly unknown[]; readonly next: number }>;
}
