/** Raw events as the columnar batches of a scan, in batches of any size. */

import type { SourceDefinition } from '#domain/definitions/model.ts';
import type { CodedColumn, ScannedColumn } from '#domain/ports/history.ts';
import { sourceFields } from '#domain/sources/source-schema.ts';
import { isNumberType } from '#domain/training-sets/columns.ts';
import type { VisibleEvents } from '#domain/training-sets/point-in-time-join.ts';
import type { RawEvent, Value } from '#domain/values/value.ts';

export interface SeenEvent {
  readonly event: RawEvent;
  readonly visible: number;
}

const inOrder = (a: SeenEvent, b: SeenEvent): number =>
  a.visible - b.visible || a.event.partition - b.event.partition || a.event.offset - b.event.offset;

const coded = (values: readonly Value[], dictionary: string[]): CodedColumn => {
  const codes = Int32Array.from(values, (value) => {
    if (value === null) return -1;
    const found = dictionary.indexOf(value as string);
    return found >= 0 ? found : dictionary.push(value as string) - 1;
  });
  return { codes, values: dictionary };
};

export async function* scanOf(
  source: SourceDefinition,
  events: readonly SeenEvent[],
  batchSize: number,
): AsyncGenerator<VisibleEvents> {
  const fields = sourceFields(source);
  const dictionaries = new Map(Object.keys(fields).map((name) => [name, [] as string[]]));
  const sorted = events.toSorted(inOrder);
  for (let from = 0; from < sorted.length; from += batchSize) {
    const batch = sorted.slice(from, from + batchSize);
    const of = (pick: (seen: SeenEvent) => number): Float64Array => Float64Array.from(batch, pick);
    const columns = Object.entries(fields).map(([name, type]): [string, ScannedColumn] => {
      const values = batch.map(({ event }) => event.row[name] ?? null);
      if (isNumberType(type))
        return [
          name,
          Float64Array.from(values, (value) => (value === null ? Number.NaN : Number(value))),
        ];
      return [
        name,
        type.base === 'string' && !type.array
          ? coded(values, dictionaries.get(name) as string[])
          : values,
      ];
    });
    yield {
      count: batch.length,
      visible: of(({ visible }) => visible),
      eventTime: of(({ event }) => event.eventTime),
      partition: of(({ event }) => event.partition),
      offset: of(({ event }) => event.offset),
      logTime: of(({ event }) => event.logTime),
      columns: Object.fromEntries(columns),
    };
  }
}
