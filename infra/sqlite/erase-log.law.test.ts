/** Whatever is erased: reads give the other records at their offsets, and tasks reach the end. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { avroCodec } from '#domain/avro/codec.ts';
import { readPartition } from '#domain/ports/read-partition.ts';
import { erasedOffsets } from '#infra/sqlite/erased.ts';
import { verifyDatabase } from '#infra/sqlite/verify.ts';
import { openLog, temporaryDirectory } from '#tests/contracts/sqlite.ts';
import { dropFreeBytes, eraseRecords, findRecords } from './erase-log.ts';
import { sqliteEventStore } from './event-store.ts';
import { sqliteSchemaRegistry } from './schema-registry.ts';

const schema = { type: 'record', name: 'E', fields: [{ name: 'who', type: 'string' }] };
const codec = avroCodec(schema);
const WHO = ['ann', 'bob', 'cy'] as const;

interface Sent {
  readonly partition: number;
  readonly who: (typeof WHO)[number];
}

const appends = fc.array(
  fc.array(fc.record({ partition: fc.nat(1), who: fc.constantFrom(...WHO) }), {
    minLength: 1,
    maxLength: 5,
  }),
  { maxLength: 12 },
);

const check = async (batches: readonly (readonly Sent[])[]): Promise<void> => {
  const directory = temporaryDirectory();
  try {
    const first = openLog(directory.path);
    sqliteEventStore(first.database);
    const schemaId = await sqliteSchemaRegistry(first.database).register('t-value', schema);
    await first.log.createTopic('t', { partitions: 2 });
    const kept: string[][] = [[], []];
    const gone: number[][] = [[], []];
    const ends = [0, 0];
    for (const batch of batches) {
      const records = batch.map(({ partition, who }) => {
        const offset = ends[partition] as number;
        ends[partition] = offset + 1;
        if (who === 'ann') gone[partition]?.push(offset);
        else kept[partition]?.push(`${offset} ${who}`);
        return { topic: 't', partition, key: who, schemaId, value: codec.toBuffer({ who }) };
      });
      await first.log.append({ records });
    }
    const isAnn =
      () =>
      (_: unknown, { who }: { readonly who?: unknown }) =>
        who === 'ann';
    const wanted = gone.flat().length;
    expect(eraseRecords(first.database, 'e', isAnn)).toBe(wanted);
    expect(eraseRecords(first.database, 'e', isAnn)).toBe(0);
    expect([...findRecords(first.database.db, isAnn)]).toEqual([]);
    dropFreeBytes(first.database);
    const { path, db } = first.database;
    const { damage } = verifyDatabase(db, path, { deep: true, onProgress: () => {} });
    expect(damage).toEqual([]);
    await first.close();

    const { log, database, close } = openLog(directory.path);
    const seen: string[][] = [[], []];
    const task = log.run({
      consumer: 'c',
      topics: ['t'],
      process(records) {
        for (const { partition, offset, value } of records)
          seen[partition]?.push(`${offset} ${codec.fromBuffer(Buffer.from(value)).who}`);
        return { records: [] };
      },
      committed: () => {},
      rolledBack: () => {},
    });
    await task.caughtUp();
    expect(seen).toEqual(kept);
    expect(task.position().map(({ offset }) => offset)).toEqual(ends);
    for (const partition of [0, 1]) {
      for (const maxBytes of [1, 20, 1_000_000]) {
        const read: string[] = [];
        for await (const records of readPartition(log, 't', partition, { maxBytes }))
          for (const { offset, key } of records) read.push(`${offset} ${key}`);
        expect(read).toEqual(kept[partition]);
      }
      expect(erasedOffsets(database.db)('t', partition, 0, 100)).toEqual(gone[partition]);
    }
    const value = codec.toBuffer({ who: 'bob' });
    await log.append({ records: [{ topic: 't', partition: 0, key: 'bob', schemaId, value }] });
    expect(seen[0]?.at(-1)).toBe(`${ends[0]} bob`);
    await close();
  } finally {
    directory.remove();
  }
};

test('reads and tasks skip what was erased, and nothing else', { timeout: 60_000 }, () =>
  fc.assert(fc.asyncProperty(appends, check), { numRuns: 25 }),
);
