/**
 * A small log in a directory, for the history's tests: one file for each partition, so that a
 * worker thread and the test see the same records. It replaces the reading half of the real log
 * only.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import avro from 'avsc';
import type { Directory } from '#domain/ports/file-io.ts';
import type { LogRecord } from '#domain/ports/log.ts';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import type { HistoryInput } from '#infra/iceberg/input.ts';
import type { CommitStep } from '#infra/shared/iceberg/append.ts';

interface StoredRecord {
  readonly offset: number;
  readonly logTime: number;
  readonly schemaId: number;
  readonly value: string;
}

export interface FileLog {
  /** @returns the schema's id */
  schema(schema: object): number;
  append(
    topic: string,
    partition: number,
    schemaId: number,
    rows: readonly unknown[],
    logTime: number,
  ): void;
}

const partitionFile = (directory: string, topic: string, partition: number): string =>
  join(directory, `${topic}@${partition}.ndjson`);
const schemaFile = (directory: string): string => join(directory, 'schemas.json');
const readSchemas = (directory: string): object[] =>
  existsSync(schemaFile(directory)) ? JSON.parse(readFileSync(schemaFile(directory), 'utf8')) : [];

const readPartition = (
  directory: string,
  topic: string,
  partition: number,
): readonly StoredRecord[] => {
  const path = partitionFile(directory, topic, partition);
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
};

export const fileLog = (directory: string): FileLog => {
  mkdirSync(directory, { recursive: true });
  const ends = new Map<string, number>();
  return {
    schema(schema) {
      const schemas = [...readSchemas(directory), schema];
      writeFileSync(schemaFile(directory), JSON.stringify(schemas));
      return schemas.length;
    },
    append(topic, partition, schemaId, rows, logTime) {
      const type = avro.Type.forSchema(readSchemas(directory)[schemaId - 1] as avro.Schema);
      const path = partitionFile(directory, topic, partition);
      const base = ends.get(path) ?? readPartition(directory, topic, partition).length;
      const lines = rows.map((row, i) =>
        JSON.stringify({
          offset: base + i,
          logTime,
          schemaId,
          value: type.toBuffer(row).toString('base64'),
        }),
      );
      appendFileSync(path, lines.map((line) => `${line}\n`).join(''));
      ends.set(path, base + rows.length);
    },
  };
};

/** Where a history in a data directory has its tables: options of `openIcebergHistory`. */
export const historyIn = (
  data: string,
): { readonly root: Directory; readonly spillDirectory: string } => {
  const history = join(data, 'history');
  return {
    root: { files: localFiles(), uri: fileUri(history) },
    spillDirectory: join(history, '.spill'),
  };
};

export interface FileLogOptions {
  readonly directory: string;
  readonly topics: readonly { readonly topic: string; readonly partitions: number }[];
  /** a file with a commit step in it: the worker dies there, once */
  readonly dieAt?: string;
  /** a file with an error message in it: writing data fails with it */
  readonly failWith?: string;
}

/** The worker's end of it: the module that IcebergHistoryOptions.input names. */
export const openHistoryInput = (
  options: FileLogOptions,
): HistoryInput & { readonly checkpoint: (step: CommitStep) => void } => {
  const { directory, topics, dieAt, failWith } = options;
  const read = (topic: string, partition: number, offset: number): LogRecord[] =>
    readPartition(directory, topic, partition)
      .slice(offset, offset + 700)
      .map(({ value, ...rest }) => ({
        topic,
        partition,
        key: null,
        value: Buffer.from(value, 'base64'),
        ...rest,
      }));
  return {
    log: {
      topics: async () => topics,
      read: async (topic, partition, offset) => read(topic, partition, offset),
      begin: async (topic) =>
        Array.from({ length: topics.find((one) => one.topic === topic)?.partitions ?? 0 }, () => 0),
      async end(topic) {
        const partitions = topics.find((one) => one.topic === topic)?.partitions ?? 0;
        return Array.from(
          { length: partitions },
          (_, partition) => readPartition(directory, topic, partition).length,
        );
      },
    },
    files: localFiles(),
    schema: async (id) => readSchemas(directory)[id - 1] as object,
    checkpoint(step) {
      if (failWith !== undefined && existsSync(failWith))
        throw Object.assign(new Error(readFileSync(failWith, 'utf8')), { code: 'ENOSPC' });
      if (dieAt === undefined || !existsSync(dieAt) || readFileSync(dieAt, 'utf8') !== step) return;
      writeFileSync(dieAt, '');
      process.exit(9);
    },
  };
};

export const FILE_LOG_MODULE = import.meta.url;
