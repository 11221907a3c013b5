/**
 * A replay of some days or some entities: the new generation starts as a copy of the live one, and
 * only the tiles in the range are computed again from raw events.
 *
 *   1. the live tiles are copied at raw positions P (one synchronous step: no commit intervenes)
 *   2. the raw events below P that fall into the range are folded into a second, empty store, in
 *      which no event is late
 *   3. the copy's tiles in the range are replaced by those of the second store
 *   4. all tiles of the copy are written to features.<view> as the new generation's first updates,
 *      with P as its read positions
 *
 * From there on it computes like any other generation. If it is killed in between, it starts again
 * from step 1: no reader uses an unfilled generation.
 */

import { featuresAvroSchema } from '#domain/encoding/features-schema.ts';
import { tileCodec } from '#domain/encoding/tile-codec.ts';
import { restoreSnapshot, takeSnapshot } from '#domain/encoding/tile-snapshot.ts';
import { fail } from '#domain/errors.ts';
import { replayedFrom } from '#domain/plan/covered-from.ts';
import type { GenerationSpec, ReplayRange } from '#domain/ports/engine.ts';
import type { OutgoingRecord } from '#domain/ports/log.ts';
import { readPartition } from '#domain/ports/read-partition.ts';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import { eventTimeOf } from '#domain/sources/event-time.ts';
import { createTileStore, type TileStore } from '#domain/tiles/tile-store.ts';
import type { ComputeDependencies, EmbeddedGeneration } from './generation.ts';
import { consumerOf, startOffsetsConsumer } from './start-offsets.ts';

const READ_BYTES = 8 * 1024 * 1024;
const CHUNK = 20_000;

const inRange = (hopMs: number, tileNo: number, { from, to }: ReplayRange): boolean =>
  hopMs === 0 ||
  ((from === null || (tileNo + 1) * hopMs > from) && (to === null || tileNo * hopMs <= to));

/** Replaces the copy's tiles in the range by the recomputed ones. */
const replaceTiles = (copy: TileStore, recomputed: TileStore, range: ReplayRange): void => {
  const wanted = (key: string): boolean => range.keys === null || range.keys.includes(key);
  copy.groups.forEach((group, g) => {
    const { hopMs, nums, refs } = group.hop;
    for (const slot of [...group.all()]) {
      const key = copy.keys[group.entity[slot] as number] as string;
      const tileNo = group.tileNo[slot] as number;
      if (wanted(key) && inRange(hopMs, tileNo, range))
        group.remove(group.entity[slot] as number, tileNo);
    }
    const source = recomputed.groups[g] as typeof group;
    for (const slot of source.all()) {
      const key = recomputed.keys[source.entity[slot] as number] as string;
      const tileNo = source.tileNo[slot] as number;
      if (!wanted(key) || !inRange(hopMs, tileNo, range)) continue;
      const entity = copy.intern(key);
      const target = group.slotFor(entity, tileNo);
      group.nums.set(source.nums.subarray(slot * nums, (slot + 1) * nums), target * nums);
      for (let i = 0; i < refs; i++) group.refs[target * refs + i] = source.refs[slot * refs + i];
      group.newest[target] = source.newest[slot] as number;
      group.markChanged(
        target,
        source.causePartition[slot] as number,
        source.causeOffset[slot] as number,
      );
      copy.newest[entity] = Math.max(
        copy.newest[entity] as number,
        recomputed.newest[recomputed.indexOf.get(key) as number] as number,
      );
    }
  });
};

export const fillPartially = async (
  spec: GenerationSpec,
  range: ReplayRange,
  live: EmbeddedGeneration,
  dependencies: ComputeDependencies,
): Promise<void> => {
  const { log, schemas, decoders } = dependencies;
  const { plan, view, generation, version, source } = spec;
  const consumer = consumerOf(view, generation);
  const raw = rawTopic(source.name);
  const done = await log.committed(consumer, raw);
  if (done.some((offset) => offset > 0)) return;
  if (live.spec.plan.hash !== plan.hash) {
    fail(
      'MR_REFUSED',
      `version ${version} of "${view}" computes differently from the live version ${live.spec.version}: replay all of it, without a range`,
      { view },
    );
  }
  // No turn comes between this and the copy.
  const tiles = await live.tiles();
  // The new generation is rebuilt from updates, which say nothing of them.
  if (!tiles.dropped.isEmpty)
    fail(
      'MR_REFUSED',
      `"${view}" has dropped entities from memory, and a copy of it would not know them: replay all of it, without a range`,
      { view },
    );

  const positions = live.positions();
  const copy = createTileStore(plan);
  restoreSnapshot(copy, takeSnapshot(tiles));
  const recomputed = createTileStore({ ...plan, latenessMs: null });
  const timeOf = eventTimeOf(source);
  const widest = Math.max(0, ...plan.hops.map((hop) => hop.hopMs));
  const allTime = plan.hops.some((hop) => hop.hopMs === 0);
  const from = replayedFrom(plan, range.from);
  for (const { partition, offset: end } of positions) {
    const past = { end, maxBytes: READ_BYTES };
    for await (const records of readPartition(log, raw, partition, past)) {
      for (const record of records) {
        const row = decoders.decode(record.schemaId, record.value);
        const time = timeOf(row);
        if (time < from || (!allTime && range.to !== null && time > range.to + widest)) continue;
        recomputed.process(row, time, record.partition, record.offset, record.logTime);
      }
      recomputed.groups.forEach((group) => group.clearChanged());
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  replaceTiles(copy, recomputed, range);

  for (const group of copy.groups) {
    for (const slot of group.all())
      group.markChanged(
        slot,
        group.causePartition[slot] as number,
        group.causeOffset[slot] as number,
      );
  }
  const topic = featuresTopic(view);
  await log.createTopic(topic, { partitions: 1 });
  const [firstUpdate = 0] = await log.end(topic);
  const schemaId = await schemas.register(`${topic}-value`, featuresAvroSchema(plan));
  const records: OutgoingRecord[] = [];
  tileCodec(plan).encodeChanges(copy, version, generation, (value, key) =>
    records.push({ topic, partition: 0, key, value, schemaId }),
  );
  for (let at = 0; at < records.length; at += CHUNK)
    await log.append({ records: records.slice(at, at + CHUNK) });
  await log.append({
    records: [],
    positions: [
      ...positions.map(({ partition, offset }) => ({ consumer, topic: raw, partition, offset })),
      {
        consumer: startOffsetsConsumer(consumer),
        topic,
        partition: 0,
        offset: firstUpdate,
      },
    ],
  });
};
