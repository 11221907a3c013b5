/**
 * Skew: the logged values of a service compared with the event-time values of the same rows.
 *
 * The law that is checked: a logged value is value(view, entity, at, known), over the events that
 * the view had computed; the event-time value is value(view, entity, at, the end of the log). The
 * event-time values come from a training set, in one pass over the events. The rows that differ are
 * then explained from the events of their entities, so each difference is computed in two ways.
 */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { answeredBy } from '#domain/feature-log/answered-by.ts';
import type { FeatureLogRow } from '#domain/feature-log/feature-log-record.ts';
import type { SkewReport, SkewRequest } from '#domain/feature-log/skew.ts';
import { coveredFrom } from '#domain/plan/covered-from.ts';
import { keyOfEntity } from '#domain/plan/entity-key.ts';
import type { HistoryTables } from '#domain/ports/history.ts';
import type { Log } from '#domain/ports/log.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import {
  planTrainingSet,
  type TrainingSetPlan,
  type TrainingSetTarget,
} from '#domain/training-sets/training-set-plan.ts';
import type { RawEvent, Row, Value } from '#domain/values/value.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { isRounded } from '#projections/explain/same-value.ts';
import { requireLogged } from '#projections/feature-log/feature-log-queries.ts';
import type { FeatureLogRows } from '#projections/feature-log/feature-log-rows.ts';
import type { LateEvents } from '#projections/late/late.ts';
import { turns } from '../turns.ts';
import { chooseRows, requestsOf } from './choose-rows.ts';
import { collectEvents, type EntityEvents, type WantedEntity } from './entity-events.ts';
import { type Explained, explainRow } from './explain-row.ts';
import { type FeatureLogPlan, featureLogPlan } from './feature-log-plan.ts';
import { same } from './same.ts';
import { createTally, type Tally } from './tally.ts';

/** The values of a training set, by row of its spine. */
export interface EventTimeValues {
  readonly target: TrainingSetTarget;
  readonly views: SkewReport['views'];
  readonly rows: readonly ReadonlyMap<string, Value>[];
}

interface SkewDependencies {
  readonly catalog: Catalog;
  readonly log: Pick<Log, 'offsetsAt'>;
  readonly history: Pick<HistoryTables, 'scan'>;
  readonly late: Pick<LateEvents, 'leftOut'>;
  readonly rows: FeatureLogRows;
  /** writes noted answers to the log */
  readonly flush: () => Promise<void>;
  /** the views and features of a service, as they are now */
  readonly target: (service: string) => TrainingSetTarget;
  /**
   * event-time values of these rows, over the events known at a time; when it resolves, the history
   * has all of these events
   */
  readonly eventTimeValues: (
    service: string,
    spine: readonly Row[],
    known: number,
  ) => Promise<EventTimeValues>;
  readonly readTime: () => number;
}

const DEFAULT_SAMPLE = 10_000;
/**
 * The clocks of gateways and log may differ, and an answer is logged a little after it is given.
 */
const MARGIN_MS = 3_600_000;

/** The spine row of a logged row, by the present service; null: the logged row lacks a value. */
const spineRow = ({ keys, request }: TrainingSetPlan, row: FeatureLogRow): Row | null => {
  const spine: Record<string, Value> = { event_timestamp: row.at };
  for (const { name } of keys) {
    const value = row.entity[name];
    if (value === undefined) return null;
    spine[name] = value;
  }
  for (const { name, type } of request) {
    const value = row.request[name] ?? null;
    if (value === null && !type.nullable) return null;
    spine[name] = value;
  }
  return spine;
};

interface Differing {
  readonly row: FeatureLogRow;
  readonly eventTime: ReadonlyMap<string, Value>;
  readonly columns: readonly string[];
}

export const createSkew = (
  dependencies: SkewDependencies,
): ((request: SkewRequest) => Promise<SkewReport>) => {
  const { catalog, log, history, late } = dependencies;

  const wantedOf = ({ row }: Differing, plans: readonly TrainingSetPlan[]): WantedEntity[] =>
    plans.flatMap(({ views }) =>
      views.map(({ definitions, plan }) => ({
        source:
          catalog.definition('source', definitions.source.name) ??
          (definitions.source as SourceDefinition),
        plan,
        key: keyOfEntity(plan, row.entity),
        // The newest event of the entity, however old, decides whether a value is expired.
        from: plan.ttlMs === null ? coveredFrom(plan, row.at) : Number.NEGATIVE_INFINITY,
        to: row.at,
      })),
    );

  const explainAll = async (
    service: string,
    differing: readonly Differing[],
    compared: TrainingSetPlan,
    known: number,
    tallies: ReadonlyMap<string, Tally>,
  ): Promise<void> => {
    const plans = new Map<string, FeatureLogPlan | null>();
    const planOf = (row: FeatureLogRow, back: number): FeatureLogPlan | null => {
      const onDemand = row.onDemand.map(({ name, version }) => ({
        name,
        version: Math.max(1, version - back),
      }));
      const views = row.views.map(({ view, version, generation }) => ({
        view,
        version,
        generation,
      }));
      const id = JSON.stringify([row.serviceVersion, onDemand, views]);
      const made = plans.get(id);
      if (made !== undefined) return made;
      let plan: FeatureLogPlan | null = null;
      try {
        plan = featureLogPlan(
          catalog,
          { serviceVersion: row.serviceVersion, views },
          service,
          onDemand,
        );
      } catch {
        // A breaking change was forced: the values of that version cannot be computed any more, and
        // are reported as unexplained.
      }
      plans.set(id, plan);
      return plan;
    };

    const turn = turns();
    const wanted: WantedEntity[] = [];
    for (const one of differing) {
      const served = planOf(one.row, 0);
      wanted.push(...wantedOf(one, served === null ? [compared] : [compared, served.plan]));
      await turn();
    }
    const offsets = new Map<string, readonly number[]>();
    for (const { source } of wanted)
      if (!offsets.has(source.name))
        offsets.set(source.name, await log.offsetsAt(rawTopic(source.name), known));
    const events: EntityEvents = await collectEvents(
      history,
      wanted,
      (source) => offsets.get(source) ?? [],
    );
    const leftOut = new Map<string, (event: RawEvent) => boolean>();
    for (const { row } of differing)
      for (const { view, generation } of row.views) {
        const id = `${view}#${generation}`;
        if (!leftOut.has(id))
          leftOut.set(id, (await late.leftOut(view, generation)) ?? (() => false));
      }

    const explain = (
      { row, eventTime, columns }: Differing,
      back: number,
    ): ReadonlyMap<string, Explained> => {
      const served = planOf(row, back);
      if (served === null) return new Map();
      return explainRow(
        {
          row,
          served,
          compared,
          eventTime,
          events,
          leftOut: (view, generation) =>
            leftOut.get(`${view}#${generation}`) as (event: RawEvent) => boolean,
        },
        columns,
      );
    };
    const unexplained: Explained = { causes: ['unexplained'], events: [] };
    for (const one of differing) {
      const explained = new Map(explain(one, 0));
      const open = one.columns.filter((column) =>
        (explained.get(column) ?? unexplained).causes.includes('unexplained'),
      );
      // The formula was revised at that moment: the read may have used the one before.
      if (open.length > 0 && one.row.onDemand.some(({ version }) => version > 1))
        for (const [column, found] of explain({ ...one, columns: open }, 1))
          explained.set(column, found);
      for (const column of one.columns)
        tallies
          .get(column)
          ?.differs(
            one.row,
            one.eventTime.get(column) ?? null,
            explained.get(column) ?? unexplained,
          );
      await turn();
    }
  };

  return async ({ service, since, until, sample = DEFAULT_SAMPLE }) => {
    requireLogged(catalog, service);
    await dependencies.flush();
    const known = dependencies.readTime();
    const { rows: chosen, logged } = await chooseRows(
      dependencies.rows(service, since === undefined ? {} : { from: since - MARGIN_MS }),
      ({ at }) =>
        at >= (since ?? Number.NEGATIVE_INFINITY) &&
        at <= Math.min(until ?? Number.POSITIVE_INFINITY, known),
      sample,
    );
    const asked = planTrainingSet(dependencies.target(service));
    const rows: FeatureLogRow[] = [];
    const spine: Row[] = [];
    for (const row of chosen) {
      const one = spineRow(asked, row);
      if (one === null) continue;
      rows.push(row);
      spine.push(one);
    }
    const values = await dependencies.eventTimeValues(service, spine, known);
    const compared = planTrainingSet(values.target);
    const names = compared.columns.map(({ name }) => name);
    const noise = new Map(
      compared.columns.map(({ name, type }) => [name, isRounded(type) ? 0 : 'exact'] as const),
    );
    const tallies = new Map(names.map((name) => [name, createTally(name)]));
    const differing: Differing[] = [];
    const turn = turns();
    for (const [i, row] of rows.entries()) {
      await turn();
      const eventTime = values.rows[i] as ReadonlyMap<string, Value>;
      const columns = names.filter((name) => {
        // The service did not have this feature yet.
        if (!(name in row.status)) return false;
        if (!same(row.values[name] ?? null, eventTime.get(name) ?? null, noise.get(name) ?? 0))
          return true;
        tallies.get(name)?.equal();
        return false;
      });
      if (columns.length > 0) differing.push({ row, eventTime, columns });
    }
    await explainAll(service, differing, compared, known, tallies);
    const features = [...tallies.values()].map((tally) => tally.report());
    return {
      service,
      known,
      logged,
      compared: { requests: requestsOf(rows), rows: rows.length },
      incomparable: chosen.length - rows.length,
      views: values.views,
      answeredBy: answeredBy(service, rows),
      features,
      gone: [...new Set(rows.flatMap(({ status }) => Object.keys(status)))].filter(
        (name) => !names.includes(name),
      ),
      unexplained: features.reduce((sum, { causes }) => sum + causes.unexplained, 0),
    };
  };
};
