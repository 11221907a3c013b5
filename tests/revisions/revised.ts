/**
 * Publishes the events of every change, before its revisions and after each, and compares what a
 * platform answers with a brute-force computation over all of them.
 */

import { join } from 'node:path';
import { expect } from 'vitest';
import type { Platform } from '#domain/api/platform.ts';
import type { EntityKey, FeatureStatus } from '#domain/plan/plan.ts';
import { planView } from '#domain/plan/plan-view.ts';
import type { RawEvent, Row, Value } from '#domain/values/value.ts';
import { readValues } from '#infra/training-sets/read-values.ts';
import { type Answer, oracle } from '#tests/oracle/oracle.ts';
import { sameValue } from '#tests/oracle/same.ts';
import { caller, finished, plain } from '#tests/support/platform.ts';
import { type Change, everythingOf, fieldsOf, KEYS } from './changes.ts';

const HOUR = 3_600_000;

export interface Revised {
  /** Registers the sources as they are before their changes, their views, and a service of all. */
  readonly register: () => Promise<void>;
  /** Makes the next revision of each source that has one left. */
  readonly revise: () => Promise<void>;
  /** Publishes the events of the present revisions. */
  readonly publish: () => Promise<void>;
  /** the position of the last events of a source; null: none was published */
  readonly position: (change: Change) => string | null;
  /** Counts an event that was published in another way. */
  readonly add: (change: Change, row: Row) => void;
  readonly expectReads: (
    where: string,
    when?: { readonly at?: number; readonly known?: number },
  ) => Promise<void>;
  readonly expectDataSet: (
    mode: 'event-time' | 'as-served',
    ats: readonly number[],
    directory: string,
  ) => Promise<void>;
}

interface Events {
  readonly change: Change;
  readonly events: RawEvent[];
}

const namesOf = ({ definitions }: Change): readonly string[] =>
  Object.keys(definitions.view.features);
export const viewOf = ({ definitions }: Change): string => definitions.view.name;
export const ENTITIES: readonly EntityKey[] = KEYS.map((id) => ({ id }));

const expectSame = (
  { definitions }: Change,
  got: readonly (Value | undefined)[],
  want: Answer,
  where: string,
  status?: readonly FeatureStatus[],
): void => {
  const { view, source, entity } = definitions;
  planView(view, source, entity).features.forEach(({ name, type }, i) => {
    const { aggregation } = view.features[name] as { readonly aggregation: string };
    expect(
      sameValue(aggregation, type.base === 'long', got[i], want.values[i], want.scale[i] as number),
      `${name} ${where}: ${JSON.stringify(got[i])}, wanted ${JSON.stringify(want.values[i])}`,
    ).toBe(true);
  });
  if (status !== undefined)
    expect([view.name, where, status]).toEqual([view.name, where, want.status]);
};

/** @param now epoch ms: the platform's clock; it is later at each call of `publish` */
export const revised = (
  changes: readonly Change[],
  platform: () => Platform,
  now: () => number,
): Revised => {
  const all: readonly Events[] = changes.map((change) => ({ change, events: [] }));
  const everything = everythingOf(changes);
  let step = 0;
  const positions = new Map<Change, string>();

  const add = ({ events }: Events, row: Row, logTime: number): void =>
    void events.push({
      row,
      eventTime: row.at as number,
      partition: 0,
      offset: events.length,
      logTime,
    });

  const publishOne = async (of: Events): Promise<void> => {
    const { change } = of;
    const source = step === 0 ? change.before : change.revisions[step - 1];
    const values = change.values[step];
    if (source === undefined || values === undefined) return;
    const newest = now();
    const rows = values.flatMap((value, i) =>
      KEYS.map((id, k) =>
        fieldsOf(change, source, id, newest - (values.length - i) * 5 * HOUR - k, value),
      ),
    );
    const { rejected, accepted, position } = await platform().publishing.publish(
      { source: source.name, events: rows },
      caller,
    );
    expect([change.name, rejected, accepted]).toEqual([change.name, [], rows.length]);
    for (const row of rows) add(of, row, newest);
    positions.set(change, position);
  };

  const knownBy = (events: readonly RawEvent[], time: number): readonly RawEvent[] =>
    events.filter(({ logTime }) => logTime <= time);

  return {
    async register() {
      const { entity } = (changes[0] as Change).definitions;
      const views = changes.flatMap(({ before, definitions }) => [before, definitions.view]);
      await platform().registry.apply(plain(entity, ...views, everything), {}, caller);
    },
    async revise() {
      const next = plain(...changes.flatMap(({ revisions }) => revisions[step] ?? []));
      step++;
      for (const { name, cost, problems } of (await platform().registry.plan(next)).changes)
        expect([name, problems, ['compatible', 'replay'].includes(cost)]).toEqual([name, [], true]);
      await platform().registry.apply(next, {}, caller);
    },
    async publish() {
      for (const of of all) await publishOne(of);
    },
    position: (change) => positions.get(change) ?? null,
    add: (change, row) => add(all.find((of) => of.change === change) as Events, row, now()),
    async expectReads(where, when = {}) {
      for (const { change, events } of all) {
        const features = namesOf(change).map((name) => `${viewOf(change)}:${name}`);
        const { values, status, at } = await platform().serving.read({
          features,
          entities: ENTITIES,
          ...when,
        });
        const known = knownBy(events, when.known ?? Number.POSITIVE_INFINITY);
        KEYS.forEach((id, i) => {
          const want = oracle(change.definitions, known, [id], at);
          expectSame(change, values[i] as readonly Value[], want, `${where}, ${id}`, status[i]);
        });
      }
    },
    async expectDataSet(mode, ats, directory) {
      const rows: readonly Row[] = ats.flatMap((at) =>
        KEYS.map((id) => ({ id, event_timestamp: at })),
      );
      const out = join(directory, `${mode}.parquet`);
      const target = { service: everything.name };
      const request = { target, spine: { rows }, out, overwrite: true, mode, withStatus: true };
      const set = await finished(platform(), await platform().datasets.start(request, caller));
      expect(set.error).toBeNull();
      const read = await readValues(out);
      for (const { change, events } of all)
        rows.forEach(({ id, event_timestamp: at }, i) => {
          const known = mode === 'as-served' ? knownBy(events, at as number) : events;
          const want = oracle(change.definitions, known, [id as Value], at as number);
          const got = namesOf(change).map((name) => read[i]?.get(name));
          const statuses = namesOf(change).map(
            (name) => read[i]?.get(`${name}__status`) as FeatureStatus,
          );
          expectSame(change, got, want, `in an ${mode} data set at ${at}, ${id}`, statuses);
        });
    },
  };
};
