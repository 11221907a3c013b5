/** What the stack profile is started with. */
import type { Retention } from '#commands/retention/retention.ts';
import type { AuditAnchor } from '#domain/ports/audit-anchor.ts';
import type { Tracing } from '#domain/ports/tracing.ts';
import type { JobSettings } from '#infra/flink/compute-job.ts';
import type { KeepSmallOptions } from '#infra/flink/maintenance.ts';
import type { LineageSettings } from '#infra/openlineage/settings.ts';
import type { SparkSettings } from '#infra/profiles/join-engines.ts';
import type { OnlineOptions } from '#infra/profiles/stack-online.ts';
import type { GivenSqlEngine } from '#infra/sql-engines/open-engines.ts';
import type { StackAddresses } from '#infra/stack/addresses.ts';

export interface StackOptions extends OnlineOptions {
  readonly addresses: StackAddresses;
  /** files of this process, such as data sets; files of the servers are in the stack's directory */
  readonly dataDirectory: string;
  readonly now?: () => number;
  readonly warn?: (message: string) => void;
  /** the receiver of OpenLineage events; absent: OpenLineage is off */
  readonly lineage?: LineageSettings | null;
  /** absent, null: traces are off */
  readonly tracing?: Tracing | null;
  /** absent: the head of the audit log is in the database only */
  readonly auditAnchor?: AuditAnchor | undefined;
  /** the secret that audit records are signed with; absent: they are not signed */
  readonly auditKey?: Uint8Array | undefined;
  /** whether this process also fills the cache tier and ingests from Kafka; default true */
  readonly projections?: boolean;
  /** how long the tables of a retired generation stay, ms; default a minute */
  readonly garbageCollectionMs?: number;
  /**
   * how long Kafka keeps events that the history has, ms; default, null: as long as the topics'
   * own retention
   */
  readonly keepLogMs?: number | null;
  /** SQL engines besides the stack's own Flink */
  readonly sqlEngines?: readonly GivenSqlEngine[];
  /** for data sets that Spark joins */
  readonly spark?: SparkSettings;
  /** called with parts of the platform that tests work with directly */
  readonly onParts?: (parts: StackParts) => void;
  /** table maintenance of the history */
  readonly maintenance?: Pick<KeepSmallOptions, 'limits' | 'everyCommits' | 'pollMs'>;
  readonly settings?: Partial<
    Pick<JobSettings, 'parallelism' | 'miniBatchMs' | 'archiveEveryMs' | 'paimon'>
  >;
}

export interface StackParts {
  readonly retention: Retention;
}
