/**
 * Splits the events of a scan by entity. Each part is joined apart, so a part fits in memory, and
 * threads share the work. Entities go round by their numbers: with 4 parts, part 1 has the entities
 * 1, 5, 9, … as its own 0, 1, 2, …
 *
 * Views of one scan are joined with the same parts if the events have the same entities in them.
 * Events of entities that are not in the spine are left out.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ViewPlan } from '#domain/plan/plan.ts';
import { eventEntities, eventRow, isCoded } from '#domain/training-sets/event-row.ts';
import { grouping } from '#domain/training-sets/grouping.ts';
import type { SpineKeys } from '#domain/training-sets/spine-keys.ts';
import type { FieldType } from '#domain/values/value.ts';
import { type BlockFile, createBlockFile } from './block-file.ts';
import { type BlockShape, blockOf, type EventBlock, someOf, type Texts } from './event-blocks.ts';
import type { UnorderedEvents } from './event-files.ts';
import type { PartEvents } from './join-part.ts';

/** The views whose events have the same entities. */
export interface EntityGroup {
  /** of one of them, for the keys of events */
  readonly plan: ViewPlan;
  readonly keys: SpineKeys;
  readonly shape: BlockShape;
}

export interface SplitOptions {
  /** every field that the scan reads */
  readonly fields: Readonly<Record<string, FieldType>>;
  readonly parts: number;
  /** the directory for files with the events; null: they stay in memory */
  readonly spill: string | null;
  /** called for each batch, with the number of its events */
  readonly onBatch: (events: number) => void;
}

/** Of a group. */
export interface SplitEvents {
  readonly parts: readonly PartEvents[];
  readonly texts: Texts;
}

/** How many of the entities are in a part. */
export const entitiesIn = (part: number, parts: number, entities: number): number =>
  Math.ceil((entities - part) / parts);

/** Where the blocks of a part go. */
const sinkOf = (path: string | null) => {
  const blocks: EventBlock[] = [];
  let file: BlockFile | null = null;
  let count = 0;
  return {
    add(block: EventBlock): void {
      count += block.count;
      if (path === null) blocks.push(block);
      else {
        file ??= createBlockFile(path);
        file.add(block);
      }
    },
    close: () => file?.close(),
    events: (): PartEvents => (path === null || file === null ? { blocks } : { file: path, count }),
  };
};

const splitterOf = ({ plan, keys, shape }: EntityGroup, options: SplitOptions, group: number) => {
  const { fields, parts, spill } = options;
  const numbers = new Map(keys.keys.map((key, entity) => [key, entity]));
  const row = eventRow(fields);
  const entities = eventEntities(plan, row, (key) => numbers.get(key) ?? -1);
  const byPart = grouping(parts);
  const texts: Record<string, readonly string[]> = {};
  const sinks = Array.from({ length: parts }, (_, part) =>
    sinkOf(spill === null ? null : join(spill, `events-${group}-${part}`)),
  );
  return {
    add(batch: UnorderedEvents): void {
      row.use(batch);
      entities.use(batch);
      const own = new Int32Array(batch.count);
      byPart.group(batch.count, (i) => {
        const entity = entities.of(i);
        if (entity < 0) return -1;
        own[i] = Math.floor(entity / parts);
        return entity % parts;
      });
      const block = blockOf(batch, shape, own);
      for (const [part, sink] of sinks.entries()) {
        const rows = byPart.items.subarray(byPart.startOf(part), byPart.ends[part]);
        if (rows.length > 0) sink.add(someOf(block, rows));
      }
      for (const name of shape.fields) {
        const column = batch.columns[name];
        if (isCoded(column)) texts[name] = column.values;
      }
    },
    close() {
      for (const sink of sinks) sink.close();
    },
    split: (): SplitEvents => ({ parts: sinks.map((sink) => sink.events()), texts }),
  };
};

/** By group. */
export const splitEvents = async (
  events: AsyncIterable<UnorderedEvents>,
  groups: readonly EntityGroup[],
  options: SplitOptions,
): Promise<readonly SplitEvents[]> => {
  if (options.spill !== null) mkdirSync(options.spill, { recursive: true });
  const splitters = groups.map((group, i) => splitterOf(group, options, i));
  try {
    for await (const batch of events) {
      for (const splitter of splitters) splitter.add(batch);
      options.onBatch(batch.count);
    }
  } finally {
    for (const splitter of splitters) splitter.close();
  }
  return splitters.map((splitter) => splitter.split());
};
