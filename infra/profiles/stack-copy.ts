/**
 * What a backup of the stack profile has, as files of its list:
 *
 * | path | content |
 * |---|---|
 * | `stack.json` | a `StackMoment` |
 * | `log/<topic>/<partition>/<from>-<next>` | batches of the log with these offsets |
 * | `registry/<table>/<n>` | rows of MySQL's tables as lines of JSON, up to 1,000 each |
 * | `history/…` | files of the Iceberg tables, below their warehouse |
 */
import {
  featureLogTopic,
  featuresTopic,
  ingestTopic,
  isFeaturesTopic,
  isIngestTopic,
  isLateTopic,
  LINEAGE_TOPIC,
  lateTopic,
  nameOfTopic,
  REGISTRY_TOPIC,
  rawTopic,
  rejectedTopic,
  resentTopic,
  snapshotTopic,
} from '#domain/ports/topics.ts';
import type { BackedUpFile } from '#infra/backup/catalog.ts';
import type { TopicExtent } from '#infra/kafka/copy/read-batches.ts';
import { PRODUCERS_TOPIC } from '#infra/kafka/topic-config.ts';
import type { AuditRow, CommitRow, RegistryCopy } from '#infra/mysql/registry-copy.ts';
import { hashOfRecord, timeOfCommit } from '#infra/mysql/registry-copy.ts';

export interface CopiedSchema {
  readonly subject: string;
  readonly version: number;
  readonly id: number;
  readonly schema: object;
}

export interface StackMoment {
  /** epoch ms: the log is complete up to here, inclusive, and is restored up to here */
  readonly time: number;
  /** what was copied of the log, which may be more */
  readonly topics: readonly TopicExtent[];
  /** positions of the ingest workers at that time: group and topic have this name */
  readonly ingest: readonly { readonly topic: string; readonly offsets: readonly number[] }[];
  readonly schemas: readonly CopiedSchema[];
  /** where the Iceberg tables were: their metadata names files by path */
  readonly iceberg: string;
}

export const MOMENT_FILE = 'stack.json';
export const HISTORY_PREFIX = 'history/';
export const ROWS_OF_FILE = 1000;

const NAMED = [
  rawTopic,
  rejectedTopic,
  resentTopic,
  snapshotTopic,
  ingestTopic,
  featuresTopic,
  lateTopic,
  featureLogTopic,
];
const WHOLE = new Set([REGISTRY_TOPIC, LINEAGE_TOPIC, PRODUCERS_TOPIC]);

/** @param names of sources, views and services */
export const isOfPlatform = (topic: string, names: ReadonlySet<string>): boolean => {
  const name = nameOfTopic(topic);
  return WHOLE.has(topic) || (names.has(name) && NAMED.some((named) => named(name) === topic));
};

/**
 * Topics that gateways and ingest workers write, in short transactions. Flink's transactions and
 * those of other producers may be open for long; what Flink writes is computed again.
 */
export const isAtomic = (topic: string): boolean =>
  !isIngestTopic(topic) && !isFeaturesTopic(topic) && !isLateTopic(topic);

export interface Chunk {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly next: number;
  readonly file: BackedUpFile;
}

export const chunkPath = ({ topic, partition, from, next }: Omit<Chunk, 'file'>): string =>
  `log/${topic}/${partition}/${from}-${next}`;

const CHUNK = /^log\/([^/]+)\/(\d+)\/(\d+)-(\d+)$/;

/** The chunks of each partition, in order. */
export const chunksOf = (
  files: readonly BackedUpFile[],
): ((topic: string, partition: number) => readonly Chunk[]) => {
  const chunks = new Map<string, Chunk[]>();
  for (const file of files) {
    const match = CHUNK.exec(file.path);
    if (match === null) continue;
    const [topic, partition, from, next] = [match[1] as string, ...match.slice(2).map(Number)] as [
      string,
      number,
      number,
      number,
    ];
    const key = `${topic}/${partition}`;
    const chunk = { topic, partition, from, next, file };
    const mine = chunks.get(key);
    if (mine === undefined) chunks.set(key, [chunk]);
    else mine.push(chunk);
  }
  return (topic, partition) =>
    (chunks.get(`${topic}/${partition}`) ?? []).toSorted((a, b) => a.from - b.from);
};

/** The tables as files: path → rows. */
export const registryFiles = (copy: RegistryCopy): ReadonlyMap<string, readonly unknown[]> => {
  const files = new Map<string, readonly unknown[]>();
  for (const table of ['commits', 'audit', 'usage', 'owners'] as const)
    for (let at = 0; at < copy[table].length; at += ROWS_OF_FILE)
      files.set(
        `registry/${table}/${at / ROWS_OF_FILE}`,
        (copy[table] as readonly unknown[]).slice(at, at + ROWS_OF_FILE),
      );
  files.set('registry/genesis', [copy.genesis]);
  files.set('registry/platform', [copy.platform]);
  return files;
};

export const linesOf = (rows: readonly unknown[]): Buffer =>
  Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));

/** @param read the content of a file; null: there is none */
export const registryOfFiles = async (
  read: (path: string) => Promise<Uint8Array | null>,
): Promise<RegistryCopy> => {
  const rowsOf = async <T>(path: string): Promise<readonly T[] | null> => {
    const content = await read(path);
    if (content === null) return null;
    const lines = Buffer.from(content).toString().split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as T);
  };
  const table = async <T>(name: string): Promise<readonly T[]> => {
    const rows: T[] = [];
    for (let n = 0; ; n++) {
      const more = await rowsOf<T>(`registry/${name}/${n}`);
      if (more === null) return rows;
      rows.push(...more);
    }
  };
  return {
    commits: await table('commits'),
    audit: await table('audit'),
    usage: await table('usage'),
    owners: await table('owners'),
    genesis: (await rowsOf<string>('registry/genesis'))?.[0] ?? '',
    platform: (await rowsOf<string>('registry/platform'))?.[0] ?? '',
  };
};

/** The last commit before the first one that is later than the time. */
export const lastCommitAt = (commits: readonly CommitRow[], time: number): number => {
  const later = commits.find((commit) => timeOfCommit(commit) > time);
  return later === undefined ? (commits.at(-1)?.position ?? 0) : later.position - 1;
};

export const cutRegistry = (copy: RegistryCopy, last: number): RegistryCopy => ({
  ...copy,
  commits: copy.commits.filter(({ position }) => position <= last),
  audit: copy.audit.filter(({ sequence }) => sequence <= last),
});

export const auditHeadOf = (
  audit: readonly AuditRow[],
): { readonly sequence: number; readonly hash: string } | null => {
  const newest = audit.at(-1);
  return newest === undefined ? null : { sequence: newest.sequence, hash: hashOfRecord(newest) };
};
