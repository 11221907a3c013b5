/**
 * What the stack computes from the log and the history, and keeps in files: state of Flink's jobs,
 * Paimon's tables, caches, and the output of the servers. What can have the entity is removed while
 * the servers are stopped; they compute it again without the entity. Redis has no file, and is
 * emptied by its restart.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { ErasureCertificate } from '#domain/erasure/certificate.ts';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import { openJobStore } from '#infra/flink/job-store.ts';
import {
  ARCHIVE_JOB,
  computeJob,
  DATABASE,
  flushJob,
  MATERIALIZE_JOB,
  paimonTable,
} from '#infra/flink/sql/names.ts';
import type { StackAddresses } from '#infra/stack/addresses.ts';
import { hasBytes } from './erase-data-sets.ts';
import { needlesOf } from './erase-remains.ts';
import type { EntityIn } from './erase-scope.ts';
import { stackDirectories } from './stack-stores.ts';

type States = ErasureCertificate['removed']['states'];

/** The views whose state can have the entity, or its events in values of others. */
export const touchedViews = ({ scope }: Pick<EntityIn, 'scope'>): ReadonlySet<string> =>
  new Set([...scope.views, ...scope.otherViews.keys()]);

type NameOf = (view: string, generation: number) => string;

export interface GenerationOf {
  readonly view: string;
  readonly generation: number;
}

/** Whose generation has the name; null: none of these views'. */
export const generationNamed = (
  views: Iterable<string>,
  nameOf: NameOf,
  name: string,
): GenerationOf | null => {
  const [, beginning, digits] = /^(.*?)(\d+)$/.exec(name) ?? [];
  for (const view of views)
    if (nameOf(view, 0) === `${beginning}0`) return { view, generation: Number(digits) };
  return null;
};

/** The jobs that write all stores keep files of theirs in their state until they are committed. */
const dropJobStates = async (
  addresses: StackAddresses,
  views: ReadonlySet<string>,
): Promise<readonly string[]> => {
  const files = localFiles();
  const { jobs } = stackDirectories(addresses);
  const of = (path: string) => ({ files, uri: fileUri(path) });
  const store = openJobStore(jobs, of(addresses.checkpoints));
  const writing = new Set([ARCHIVE_JOB, MATERIALIZE_JOB, ...[...views].map(flushJob)]);
  return store.dropStates(
    (name) => generationNamed(views, computeJob, name) === null && !writing.has(name),
    of(addresses.savepoints),
  );
};

const dropPaimonTables = (
  { warehouse }: StackAddresses,
  views: ReadonlySet<string>,
): readonly string[] => {
  const database = join(warehouse.paimon, `${DATABASE}.db`);
  const tables = (existsSync(database) ? readdirSync(database) : []).filter(
    (name) => generationNamed(views, paimonTable, name) !== null,
  );
  for (const table of tables) rmSync(join(database, table), { recursive: true, force: true });
  return tables;
};

/** Servers that run append to these files, so they are changed in place. */
const eraseFromOutput = async (
  directory: string,
  { scope, isInText }: EntityIn,
): Promise<readonly string[]> => {
  const needles = needlesOf(scope).map((text) => Buffer.from(text));
  const changed: string[] = [];
  for (const name of existsSync(directory) ? readdirSync(directory) : []) {
    const path = join(directory, name);
    if (needles.length === 0 || !(await hasBytes(path, needles))) continue;
    const kept = readFileSync(path, 'latin1')
      .split('\n')
      .filter((line) => {
        const bytes = Buffer.from(line, 'latin1');
        return !needles.some((needle) => bytes.includes(needle)) && !isInText(bytes.toString());
      });
    const text = Buffer.from(kept.join('\n'), 'latin1');
    const file = openSync(path, 'r+');
    try {
      writeSync(file, text, 0, text.length, 0);
      ftruncateSync(file, text.length);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    changed.push(name);
  }
  return changed;
};

const dropAllIn = (directory: string): void => {
  for (const name of existsSync(directory) ? readdirSync(directory) : [])
    rmSync(join(directory, name), { recursive: true, force: true });
};

export interface ErasedDerived {
  /** names of Flink's jobs that start without state */
  readonly jobs: readonly string[];
  readonly states: States;
}

/** Flink, the lookup server and Redis must be stopped. */
export const eraseDerived = async (
  addresses: StackAddresses,
  entity: EntityIn,
): Promise<ErasedDerived> => {
  const { directory, warehouse } = addresses;
  const views = touchedViews(entity);
  const jobs = await dropJobStates(addresses, views);
  const tables = dropPaimonTables(addresses, views);
  dropAllIn(join(directory, 'flink', 'tmp'));
  dropAllIn(join(directory, 'lookup'));
  for (const scratch of ['.spill', '.joins'])
    rmSync(join(warehouse.iceberg, scratch), { recursive: true, force: true });
  const output = await eraseFromOutput(join(directory, 'logs'), entity);
  return {
    jobs,
    states: Object.fromEntries([
      ...jobs.map((job) => [`state of Flink's job ${job}`, 'dropped'] as const),
      ...tables.map((table) => [`Paimon's table ${table}`, 'dropped'] as const),
      ['all keys of Redis', 'dropped'] as const,
      ...output.map((name) => [`output of servers logs/${name}`, 'rewritten'] as const),
    ]),
  };
};
