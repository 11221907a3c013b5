/**
 * Rollups: the values of every entity at the end of each day or hour, in a table of the history for
 * each version of a view. A run writes the periods that are final and that the table does not have.
 *
 * The value at the end E of a period counts the events before E: the window is [E − length, E), as
 * a read at E has it, without the events of that very millisecond, which are the next period's.
 * What counts is what was known when the run read it (`written_at`), without late events.
 */
import type { RollupRequest, RollupResult } from '#domain/api/datasets.ts';
import { fail, MillraceError } from '#domain/errors.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import type { EngineGeneration } from '#domain/ports/engine.ts';
import type { RollupColumns, RollupTables } from '#domain/ports/rollup-tables.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import type { PeriodsJob, TrainingSetBuilder } from '#domain/ports/training-set-builder.ts';
import { finalUpTo, inParts, missingPeriods, type PeriodRange } from '#domain/rollups/periods.ts';
import { takenColumn } from '#domain/rollups/rollup-columns.ts';
import {
  PERIOD_MS,
  type RollupName,
  rollupName,
  rollupTopic,
} from '#domain/rollups/rollup-name.ts';
import type { WaitFor } from '#projections/serving/wait-for.ts';
import { type HistoryDependencies, pinHistory } from '#projections/training-sets/pin-history.ts';
import type { Pinned, PinnedView, Pins } from '#projections/training-sets/pin-target.ts';
import { wantedPeriods } from './wanted-periods.ts';

export interface RollupDependencies extends HistoryDependencies {
  readonly pins: Pins;
  readonly generation: (view: string, generation: number) => EngineGeneration | null;
  readonly builder: Pick<TrainingSetBuilder, 'periods'>;
  readonly tables: RollupTables;
  readonly waitFor: WaitFor;
  /** a time such that every later append gets a later log time, epoch ms */
  readonly readTime: () => number;
  /** rows of one commit, about; default 1,000,000 */
  readonly rowsAtOnce?: number;
}

export interface Rollups {
  readonly rollup: (request: RollupRequest) => Promise<RollupResult>;
  /** Ends the runs. What they have committed stays. */
  readonly close: () => Promise<void>;
}

const ROWS_AT_ONCE = 1_000_000;
/** A commit at least every so many periods, so that a long run that is ended has done something. */
const MOST_PERIODS = 400;
const WAIT_MS = 60_000;

/** A run, with what it reads and writes. */
interface Run {
  readonly request: RollupRequest;
  readonly pinned: Pinned;
  readonly view: PinnedView;
  readonly plan: ViewPlan;
  readonly live: EngineGeneration;
  readonly table: RollupName;
  readonly columns: RollupColumns;
}

const typed = ({ name, type }: RollupColumns['keys'][number]) => ({ name, type });

export const createRollups = (dependencies: RollupDependencies): Rollups => {
  const { catalog, pins, generation, builder, tables, late, waitFor, readTime } = dependencies;
  const { rowsAtOnce = ROWS_AT_ONCE } = dependencies;
  const abort = new AbortController();
  /** one run at a time for each view and length of periods */
  const turns = new Map<string, Promise<unknown>>();

  const runOf = (request: RollupRequest): Run => {
    const { view: name, every, features } = request;
    if (features !== undefined)
      fail(
        'MR_PARAMETER_INVALID',
        'this profile writes all features of a view: leave out "features"',
        { parameter: 'features' },
      );
    const pinned = pins.pin({ view: name });
    const view = pinned.views[0] as PinnedView;
    const live =
      generation(name, view.generation) ??
      fail('MR_VIEW_NOT_READY', `no generation of "${name}" is live yet`, { view: name });
    const plan = catalog.plan(name, view.version);
    const columns = { keys: plan.keys.map(typed), features: plan.features.map(typed) };
    const taken = takenColumn(columns.keys, columns.features);
    if (taken !== null)
      fail(
        'MR_REFUSED',
        `no rollup of "${name}": "${taken}" has the name of another column of the table, so give the feature another name`,
        { view: name, column: taken },
      );
    const table = { view: name, version: view.version, every };
    return { request, pinned, view, plan, live, table, columns };
  };

  /**
   * What the values of some periods are computed from. Every event that is known is decided by
   * then: it counts, or is late.
   */
  const jobOf = async (
    { pinned, view, live, table }: Run,
    { from, to }: PeriodRange,
  ): Promise<PeriodsJob & { readonly known: number }> => {
    const known = readTime();
    const files = await pinHistory(dependencies, pinned, { mode: 'event-time', known });
    const { source } = live.spec;
    const below = files.sources[source.name]?.below ?? [];
    const positions = below.map((offset, partition) => ({ partition, offset }));
    const wanted = { topic: rawTopic(source.name), positions };
    await waitFor(wanted, () => [live.positions()], WAIT_MS);
    const everyMs = PERIOD_MS[table.every];
    return {
      id: rollupName(table),
      target: pinned.target,
      mode: 'event-time',
      ...files,
      grid: { from: from + everyMs, to: to + 1, every: everyMs },
      periods: {
        late: await late.positions(view.view, view.generation),
        // One period cannot be split: it may take what memory there is.
        ...(to - from > everyMs ? { maxRows: rowsAtOnce } : {}),
      },
      known,
    };
  };

  /** @returns the number of rows that were added */
  const writeOnce = async (run: Run, periods: PeriodRange): Promise<number> => {
    const { known, ...job } = await jobOf(run, periods);
    abort.signal.throwIfAborted();
    return builder.periods(
      job,
      (file) =>
        tables.write(run.table, {
          ...run.columns,
          file,
          periods,
          generation: run.view.generation,
          writtenAt: known,
          again: run.request.again ?? false,
        }),
      { signal: abort.signal },
    );
  };

  /** A part with more entities than were expected is written in halves. */
  const writePart = async (run: Run, periods: PeriodRange): Promise<number> => {
    try {
      return await writeOnce(run, periods);
    } catch (error) {
      const everyMs = PERIOD_MS[run.table.every];
      const count = (periods.to - periods.from) / everyMs;
      const isTooLarge = error instanceof MillraceError && error.code === 'MR_DATASET_TOO_LARGE';
      if (!isTooLarge || count === 1) throw error;
      let rows = 0;
      for (const half of inParts(periods, everyMs, Math.ceil(count / 2)))
        rows += await writePart(run, half);
      return rows;
    }
  };

  const write = async (run: Run): Promise<RollupResult> => {
    const { request, view, plan, live, table, columns } = run;
    const everyMs = PERIOD_MS[table.every];
    const present = await tables.periods(table);
    const watermark = live.watermark?.() ?? (await live.tiles()).watermark;
    const final = finalUpTo(plan, watermark, everyMs);
    const range = wantedPeriods(request, { plan, present, final });
    const missing = request.again === true ? [range] : missingPeriods(range, present);
    const atOnce = Math.floor(rowsAtOnce / Math.max(1, live.size().entities));
    const periods = Math.max(1, Math.min(MOST_PERIODS, atOnce));
    let rows = 0;
    for (const part of missing.flatMap((one) => inParts(one, everyMs, periods))) {
      abort.signal.throwIfAborted();
      rows += await writePart(run, part);
    }
    if (missing.length > 0) await tables.maintain(table);
    return {
      view: view.view,
      version: view.version,
      generation: view.generation,
      every: table.every,
      ...range,
      features: columns.features.map(({ name }) => name),
      table: rollupTopic(table),
      rows,
    };
  };

  return {
    rollup(request) {
      const name = `${request.view}/${request.every}`;
      const turn = (turns.get(name) ?? Promise.resolve()).then(() => write(runOf(request)));
      turns.set(
        name,
        turn.catch(() => undefined),
      );
      return turn;
    },
    async close() {
      abort.abort(new DOMException('the server is stopping', 'AbortError'));
      await Promise.all(turns.values());
    },
  };
};
