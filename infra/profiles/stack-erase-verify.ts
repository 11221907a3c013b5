/**
 * `millrace erase verify --profile stack`: looks for an entity in everything that a stack of this
 * machine has, and changes nothing. The database and the schema registry must run; the others may.
 *
 * | what | how it is searched |
 * |---|---|
 * | Kafka's files | each record is decoded, and its fields compared; compressed ones as bytes, too |
 * | Redis | the bytes of all keys of the platform, and of what they have |
 * | every file of the stack's directory, of data directories and backups | its bytes; of Parquet, Avro and gzip what is compressed |
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { closingAfter, type Opened } from '#domain/closing.ts';
import type { Trace } from '#domain/erasure/certificate.ts';
import type { EntityTexts } from '#domain/erasure/scope.ts';
import { fail } from '#domain/errors.ts';
import { confluentSchemaRegistry } from '#infra/confluent/schema-registry.ts';
import { partitionFiles, recordsOf } from '#infra/kafka/segments/partition-files.ts';
import { searchKeys } from '#infra/redis/search-keys.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import type { StackAddresses } from '#infra/stack/addresses.ts';
import type { ErasureVerification } from './embedded-erase-verify.ts';
import { bytesTest, needlesOf } from './erase-remains.ts';
import type { EntityIn } from './erase-scope.ts';
import { searchFiles } from './erase-search-files.ts';
import { recordTests } from './stack-erase-log.ts';
import { openErasedRegistry } from './stack-erase-registry.ts';

export interface VerifyStackErasureOptions {
  readonly addresses: StackAddresses;
  readonly entity: EntityTexts;
  /** of gateways */
  readonly dataDirectories?: readonly string[];
  readonly backups?: readonly string[];
  readonly onProgress?: (what: string) => void;
}

const recordsText = (n: number): string => (n === 1 ? 'one record' : `${n} records`);

const inLog = async (
  logs: string,
  entity: EntityIn,
  addresses: StackAddresses,
  onProgress: (what: string) => void,
): Promise<readonly Trace[]> => {
  const testOf = recordTests(entity, confluentSchemaRegistry({ url: addresses.registry }));
  const has = bytesTest(entity.scope);
  const traces: Trace[] = [];
  for (const files of existsSync(logs) ? await partitionFiles(logs) : []) {
    const where = `the log of ${files.topic}, partition ${files.partition}`;
    onProgress(where);
    const test = testOf(files.topic);
    let records = 0;
    let bytes = 0;
    for await (const stored of recordsOf(files, true))
      for (const record of stored) {
        if (test !== null && (await test(record))) records++;
        else if (has(record.key) || has(record.value)) bytes++;
      }
    if (records > 0) traces.push({ where, what: recordsText(records) });
    if (bytes > 0) traces.push({ where, what: `${recordsText(bytes)} of others with its bytes` });
  }
  return traces;
};

const verifyIn = async (
  {
    addresses,
    entity: texts,
    dataDirectories = [],
    backups = [],
    onProgress = () => {},
  }: VerifyStackErasureOptions,
  opened: Opened,
): Promise<ErasureVerification> => {
  const { directory } = addresses;
  const registry = await openErasedRegistry(addresses, texts, opened, { readOnly: true });
  const duckDb = await openDuckDb({ memoryLimit: '512MB' });
  opened(() => duckDb.close());
  const connection = await duckDb.connect();
  opened(() => connection.closeSync());
  const { entity, platform } = registry;
  const needles = needlesOf(entity.scope);
  const bytes = needles.map((text) => Buffer.from(text));
  const inRedis = bytes.length === 0 ? null : await searchKeys(addresses.redis, platform, bytes);
  const traces = [
    ...(await inLog(join(directory, 'kafka'), entity, addresses, onProgress)),
    ...(inRedis === null || inRedis === 0
      ? []
      : [{ where: 'Redis', what: `${inRedis} keys have its bytes` }]),
  ];
  const found = await searchFiles(
    [directory, ...dataDirectories, ...backups],
    { connection, scope: entity.scope, needles },
    { onProgress },
  );
  return { ...found, bytesSearched: needles.length > 0, traces: [...traces, ...found.traces] };
};

/** @throws MR_ENTITY_INVALID, MR_NOT_FOUND, MR_REFUSED, MR_STORE_UNAVAILABLE */
export const verifyStackErasure = async (
  options: VerifyStackErasureOptions,
): Promise<ErasureVerification> => {
  const { addresses, dataDirectories = [], backups = [] } = options;
  if (!existsSync(join(addresses.directory, 'stack.json')))
    fail('MR_NOT_FOUND', `${addresses.directory} is no directory of a stack.`);
  for (const one of [...dataDirectories, ...backups])
    if (!existsSync(one)) fail('MR_NOT_FOUND', `there is no directory ${one}.`);
  return closingAfter((opened) => verifyIn(options, opened));
};
