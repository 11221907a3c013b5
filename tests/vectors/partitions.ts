/**
 * Keys of features.<view>, and the partitions that Kafka's own partitioner assigns to their
 * entities.
 */
import { Partitioners } from 'kafkajs';
import { avroCodec } from '#domain/avro/codec.ts';

const KEY = {
  type: 'record',
  name: 'key',
  fields: [
    { name: 'hop_ms', type: 'long' },
    { name: 'tile_start', type: 'long' },
    { name: 'key_user', type: 'string' },
    { name: 'key_place', type: 'long' },
  ],
};
const ENTITY = { ...KEY, fields: KEY.fields.slice(2) };
const COUNTS = [1, 2, 3, 12];

export const partitionVectors = (): object[] => {
  const key = avroCodec(KEY);
  const entity = avroCodec(ENTITY);
  const partitioner = Partitioners.DefaultPartitioner();
  const users = [
    '',
    'u1',
    'Zürich',
    '\u{1f600}',
    'a longer name than the others, to have several words',
  ];
  return users.flatMap((key_user, i) => {
    const names = { key_user, key_place: i * 1e12 - 1 };
    const partitions = COUNTS.map((count) =>
      partitioner({
        topic: 'features.v',
        message: { key: entity.toBuffer(names), value: null },
        partitionMetadata: Array.from({ length: count }, (_, partitionId) => ({
          partitionId,
          leader: 0,
          partitionErrorCode: 0,
          replicas: [],
          isr: [],
        })),
      }),
    );
    return [
      [-1, 0],
      [0, 0],
      [60_000, 1_700_000_040_000],
      [86_400_000, -86_400_000],
    ].map(([hop_ms, tile_start]) => ({
      key: Buffer.concat([
        Buffer.from([0, 0, 0, 1, 200]),
        key.toBuffer({ hop_ms, tile_start, ...names }),
      ]).toString('hex'),
      partitions: Object.fromEntries(COUNTS.map((count, j) => [count, partitions[j]])),
    }));
  });
};
