/**
 * Events by columns, apart from the batch that they were read with: in memory, in a message to
 * another thread, or in a file. Texts are codes; their dictionary is elsewhere.
 */
import type { ScannedColumn } from '#domain/ports/history.ts';
import { isCoded } from '#domain/training-sets/event-row.ts';
import type { EntityEvents } from '#domain/training-sets/point-in-time-join.ts';
import { gatherCodes, gatherNumbers } from '#domain/values/row-order.ts';
import type { Value } from '#domain/values/value.ts';
import type { UnorderedEvents } from './event-files.ts';

type BlockColumn = Float64Array | Int32Array | readonly Value[];

export interface EventBlock {
  readonly count: number;
  readonly entities: Int32Array;
  /** microseconds since 1970 */
  readonly visible: Float64Array;
  /** epoch ms; null: each event is visible from its own time on */
  readonly eventTime: Float64Array | null;
  readonly partition: Float64Array;
  readonly offset: Float64Array;
  /** by field */
  readonly columns: Readonly<Record<string, BlockColumn>>;
}

/** `texts[field][code]` */
export type Texts = Readonly<Record<string, readonly string[]>>;

export interface BlockShape {
  /** the fields that a block has */
  readonly fields: readonly string[];
  /** whether events can become visible later than at their own times */
  readonly withEventTime: boolean;
}

const US_PER_MS = 1000;

/** Bytes of an event in a block, without its lists and texts. */
export const bytesOfEvent = ({ fields, withEventTime }: BlockShape): number =>
  4 + 8 * ((withEventTime ? 4 : 3) + fields.length);

/** A batch as a block; the columns are shared. @param entities by event */
export const blockOf = (
  batch: UnorderedEvents,
  { fields, withEventTime }: BlockShape,
  entities: Int32Array,
): EventBlock => ({
  count: batch.count,
  entities,
  visible: batch.visible,
  eventTime: withEventTime ? batch.eventTime : null,
  partition: batch.partition,
  offset: batch.offset,
  columns: Object.fromEntries(
    fields.map((name) => {
      const column = batch.columns[name] as ScannedColumn;
      return [name, isCoded(column) ? column.codes : column];
    }),
  ),
});

const mapped = (
  block: EventBlock,
  count: number,
  of: (column: BlockColumn) => BlockColumn,
): EventBlock => ({
  count,
  entities: of(block.entities) as Int32Array,
  visible: of(block.visible) as Float64Array,
  eventTime: block.eventTime === null ? null : (of(block.eventTime) as Float64Array),
  partition: of(block.partition) as Float64Array,
  offset: of(block.offset) as Float64Array,
  columns: Object.fromEntries(
    Object.entries(block.columns).map(([name, column]) => [name, of(column)]),
  ),
});

/** These events of a block, in arrays of their own. */
export const someOf = (block: EventBlock, rows: Uint32Array): EventBlock =>
  mapped(block, rows.length, (column) => {
    if (column instanceof Float64Array) return gatherNumbers(column, rows);
    if (column instanceof Int32Array) return gatherCodes(column, rows);
    return Array.from(rows, (row) => column[row] as Value);
  });

const filled = <T extends Float64Array | Int32Array>(into: T, parts: readonly T[]): T => {
  let at = 0;
  for (const part of parts) {
    into.set(part, at);
    at += part.length;
  }
  return into;
};

/** All events of blocks of one shape. */
export const eventsOf = (blocks: readonly EventBlock[], texts: Texts): EntityEvents => {
  const count = blocks.reduce((sum, block) => sum + block.count, 0);
  const numbers = (of: (block: EventBlock) => Float64Array): Float64Array =>
    filled(new Float64Array(count), blocks.map(of));
  const codes = (of: (block: EventBlock) => Int32Array): Int32Array =>
    filled(new Int32Array(count), blocks.map(of));
  const column = (name: string, first: BlockColumn): ScannedColumn => {
    if (first instanceof Float64Array)
      return numbers((block) => block.columns[name] as Float64Array);
    if (first instanceof Int32Array)
      return {
        codes: codes((block) => block.columns[name] as Int32Array),
        values: texts[name] ?? [],
      };
    return blocks.flatMap((block) => block.columns[name] as readonly Value[]);
  };
  const [first] = blocks;
  const visible = numbers((block) => block.visible);
  const isOwnTime = blocks.every((block) => block.eventTime === null);
  return {
    count,
    entities: codes((block) => block.entities),
    visible,
    eventTime: isOwnTime
      ? visible.map((micros) => Math.floor(micros / US_PER_MS))
      : numbers((block) => block.eventTime as Float64Array),
    partition: numbers((block) => block.partition),
    offset: numbers((block) => block.offset),
    columns: Object.fromEntries(
      Object.entries(first?.columns ?? {}).map(([name, values]) => [name, column(name, values)]),
    ),
  };
};

/** What a message can move to another thread instead of copying it. */
export const buffersOf = (blocks: readonly EventBlock[]): ArrayBuffer[] =>
  blocks.flatMap(({ entities, visible, eventTime, partition, offset, columns }) =>
    [entities, visible, eventTime, partition, offset, ...Object.values(columns)].flatMap(
      (column) =>
        column instanceof Float64Array || column instanceof Int32Array
          ? [column.buffer as ArrayBuffer]
          : [],
    ),
  );
