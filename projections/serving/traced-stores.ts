/** Stores whose reads are spans within the span of a traced read. Other reads get no span. */
import type { OnlineStore } from '#domain/ports/online-store.ts';
import { inSpan, type Tracing } from '#domain/ports/tracing.ts';
import type { RawEvents } from '#projections/serving/raw-events.ts';

export const tracedStore = <S extends OnlineStore>(store: S, tracing: Tracing): S => ({
  ...store,
  read(target, keys, at) {
    const parent = tracing.current();
    const span =
      parent === null
        ? null
        : tracing.start(`${store.name} read`, {
            kind: 'client',
            parent,
            attributes: () => ({
              'db.system.name': store.name,
              'db.operation.name': 'read',
              'db.operation.batch.size': keys.length,
              'millrace.view': target.plan.view,
            }),
          });
    return span === null
      ? store.read(target, keys, at)
      : inSpan(tracing, span, () => store.read(target, keys, at));
  },
});

/** @param tracing absent: traces are off */
export const tracedRawEvents = (tracing: Tracing | undefined, rawEvents: RawEvents): RawEvents => {
  if (tracing === undefined) return rawEvents;
  return async (query) => {
    const parent = tracing.current();
    const attributes = {
      'db.system.name': 'iceberg',
      'db.operation.name': 'scan',
      'db.collection.name': query.source,
    };
    const span =
      parent === null
        ? null
        : tracing.start('raw events scan', {
            kind: 'client',
            parent,
            attributes: () => attributes,
          });
    if (span === null) return rawEvents(query);
    return inSpan(tracing, span, async () => {
      const events = await rawEvents(query);
      span.set({ 'db.response.returned_rows': events.length });
      return events;
    });
  };
};
