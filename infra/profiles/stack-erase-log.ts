/** Whose the records in Kafka's files are. */
import { avroCodec } from '#domain/avro/codec.ts';
import type { LoggedAnswer, Remains } from '#domain/erasure/certificate.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import { featureLogTopic, isIngestTopic } from '#domain/ports/topics.ts';
import { UNFRAMED, unframe } from '#infra/kafka/framing.ts';
import type { SegmentTest } from '#infra/kafka/segments/erase-records.ts';
import { partitionFiles, recordsOf } from '#infra/kafka/segments/partition-files.ts';
import type { StoredRecord } from '#infra/kafka/segments/stored-batch.ts';
import { bytesTest, inRecordsOfOthers, needlesOf } from './erase-remains.ts';
import type { EntityIn } from './erase-scope.ts';

export type Decoded = Readonly<Record<string, unknown>>;

type Schemas = Pick<SchemaRegistry, 'schema'>;
type Decode = (record: StoredRecord) => Promise<Decoded>;

/** Producers of ingest topics may write JSON. */
const decodedText = (value: Uint8Array): Decoded => {
  const found: unknown = JSON.parse(Buffer.from(value).toString());
  return typeof found === 'object' && found !== null ? (found as Decoded) : {};
};

const decoderOf = (schemas: Schemas): Decode => {
  const codecs = new Map<number, ReturnType<typeof avroCodec>>();
  return async ({ key, value: stored }) => {
    // The deletion of an update has its columns in the key only.
    const { schemaId, value } = unframe(stored ?? key);
    if (schemaId === UNFRAMED) return decodedText(value);
    const codec = codecs.get(schemaId) ?? avroCodec(await schemas.schema(schemaId));
    codecs.set(schemaId, codec);
    return codec.fromBuffer(Buffer.from(value)) as Decoded;
  };
};

/** Which records of a topic are the entity's; null: none. */
export const recordTests = (
  { testOf, isInText }: EntityIn,
  schemas: Schemas,
): ((topic: string) => SegmentTest | null) => {
  const decode = decoderOf(schemas);
  return (topic) => {
    const test = testOf(topic);
    if (test === null) return null;
    return async (record) => {
      let decoded: Decoded;
      try {
        decoded = await decode(record);
      } catch (error) {
        if (!isIngestTopic(topic)) throw error;
        // What cannot be read was rejected: its text decides, as in the rejected topic.
        return isInText(String(record.value ?? ''));
      }
      return test({ key: record.key === null ? null : String(record.key) }, decoded);
    };
  };
};

const SERVED = featureLogTopic('');

/** The answers about the entity in Kafka's files. */
export const answersIn = async (
  logs: string,
  entity: EntityIn,
  schemas: Schemas,
): Promise<readonly LoggedAnswer[]> => {
  const answers: LoggedAnswer[] = [];
  const decode = decoderOf(schemas);
  const testOf = recordTests(entity, schemas);
  for (const files of await partitionFiles(logs)) {
    const { topic } = files;
    const test = topic.startsWith(SERVED) ? testOf(topic) : null;
    if (test === null) continue;
    for await (const records of recordsOf(files))
      for (const record of records)
        if (await test(record))
          answers.push({
            service: topic.slice(SERVED.length),
            requestId: String((await decode(record)).request_id),
          });
  }
  return answers;
};

/** Records of others in Kafka's files that have the key among their bytes. */
export const inRecordsOfLog = async (
  logs: string,
  { scope }: EntityIn,
): Promise<readonly Remains[]> => {
  const has = bytesTest(scope);
  const found: Remains[] = [];
  for (const files of needlesOf(scope).length === 0 ? [] : await partitionFiles(logs)) {
    const offsets: number[] = [];
    for await (const records of recordsOf(files))
      for (const { offset, key, value } of records)
        if (has(key) || has(value)) offsets.push(offset);
    if (offsets.length > 0) found.push(inRecordsOfOthers(files.topic, files.partition, offsets));
  }
  return found;
};
