/**
 * Every engine that joins data sets runs this suite. Definitions, events and rows are random: its
 * values are those of the definition, and those of the platform's own join to the last bit.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import type { JoinEngine, JoinTask } from '#domain/ports/join-engine.ts';
import type { RawFiles } from '#domain/ports/training-set-builder.ts';
import { orderByTime } from '#domain/training-sets/time-order.ts';
import type { RawEvent } from '#domain/values/value.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { joinOnEngine, type RunJoins } from '#infra/training-sets/engine-join.ts';
import { joinPasses } from '#infra/training-sets/join-passes.ts';
import type { PlannedPass } from '#infra/training-sets/passes.ts';
import type { Result } from '#infra/training-sets/results.ts';
import {
  emptyOf,
  expectDefinition,
  type JoinCase,
  joinCases,
  passOf,
  withSource,
} from './join-cases.ts';

export interface JoinEngineUnderTest {
  readonly engine: JoinEngine;
  /** Events of a source as the engine and the platform read them. */
  readonly store: (
    connection: DuckDBConnection,
    source: SourceDefinition,
    events: readonly RawEvent[],
  ) => Promise<Pick<RawFiles, 'files' | 'snapshot'>>;
  /** whether something that the engine has started still runs */
  readonly isRunning: () => Promise<boolean>;
  close(): Promise<void> | void;
}

interface Settings {
  /** random definitions */
  readonly cases: number;
  /** whether the engine is started for a join that fails and one that is cancelled, too */
  readonly failures: boolean;
  /** whether its jobs run on when the process that started them is killed */
  readonly outlives: boolean;
}

const SEED = Number(process.env.MILLRACE_SEED) || 20_261_201;

const EXACT = (value: unknown): unknown => (Object.is(value, -0) ? '-0' : value);

const shown = (outputs: readonly Result[]): unknown =>
  outputs.map(({ values, statuses }) => [
    [...values].map(EXACT),
    statuses === undefined ? null : [...statuses],
  ]);

export const joinEngineContract = (
  name: string,
  open: () => Promise<JoinEngineUnderTest>,
  { cases, failures, outlives }: Settings,
): void => {
  describe(`JoinEngine contract: ${name}`, () => {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-joins-'));
    const drawn = fc.sample(joinCases, { seed: SEED, numRuns: cases });
    let under: JoinEngineUnderTest;
    let connection: DuckDBConnection;
    const closes: (() => void)[] = [];
    let made = 0;

    beforeAll(async () => {
      under = await open();
      const duckDb = await openDuckDb({ spillDirectory: join(directory, 'spill') });
      connection = await duckDb.connect();
      closes.push(() => {
        connection.closeSync();
        duckDb.close();
      });
    }, 300_000);
    afterAll(async () => {
      for (const close of closes) close();
      await under?.close();
      rmSync(directory, { recursive: true, force: true });
    });

    const run =
      (place: string, signal = new AbortController().signal, onReport = () => {}): RunJoins =>
      (tasks, of) =>
        under.engine.join(tasks, {
          directory: of,
          signal,
          onProgress: ({ stage }) => {
            if (stage.startsWith('joining')) onReport();
            expect(stage, place).not.toBe('');
          },
        });

    /** The passes of some cases over one spine, each row of which is a row of one of them. */
    const passesOf = async (some: readonly JoinCase[]) => {
      const times = Float64Array.from(some.flatMap(({ rows }) => rows.map(({ at }) => at)));
      let [first, value] = [0, 0];
      const passes: PlannedPass[] = [];
      const firsts: number[] = [];
      for (const drawnCase of some) {
        // Engines find tables by name, and their tables stay.
        const one = withSource(drawnCase, `joined_${process.pid}_${Date.now()}_${made++}`);
        const stored = await under.store(connection, one.definitions.source, one.events);
        const pass = passOf(one, stored, { first, all: times.length, value });
        passes.push(pass);
        firsts.push(first);
        first += one.rows.length;
        value += valuesOf(pass).length;
      }
      const spine = { times, order: orderByTime(times), halfOpen: false };
      const empty = () => ({ values: passes.flatMap((pass) => emptyOf(pass, times.length)) });
      return { passes, firsts, spine, empty };
    };
    const valuesOf = ({ views }: PlannedPass): readonly number[] =>
      views.flatMap(({ task }) => task.outputs.map(({ value }) => value));

    test('each row has the values and statuses of the platform’s own join, and of the definition', async () => {
      const { passes, firsts, spine, empty } = await passesOf(drawn);
      const [found, own] = [empty(), empty()];
      await joinOnEngine(connection, passes, spine, found, {
        join: run('parity'),
        directory: join(directory, 'parity.spill', 'join'),
      });
      const spill = join(directory, 'own.spill');
      await joinPasses(connection, passes, spine, own, { spill, onProgress: () => {} });
      for (const [i, pass] of passes.entries()) {
        const of = (results: readonly Result[]) =>
          valuesOf(pass).map((value) => results[value] as Result);
        const outputs = shown(of(found.values));
        expect({ case: i, outputs }).toEqual({ case: i, outputs: shown(of(own.values)) });
        expectDefinition(drawn[i] as JoinCase, firsts[i] as number, of(found.values));
      }
      expect(await under.isRunning()).toBe(false);
    }, 600_000);

    // Starting an engine takes seconds.
    test.skipIf(!failures)(
      'a join that fails says so, and nothing runs any more',
      async () => {
        const { passes, spine, empty } = await passesOf(drawn.slice(0, 1));
        const broken: RunJoins = (tasks, of) =>
          run('failing')(
            tasks.map((task): JoinTask => {
              const filter = { op: 'nothing' } as unknown as JoinTask['plan']['filter'];
              return { ...task, plan: { ...task.plan, filter } };
            }),
            of,
          );
        await expect(
          joinOnEngine(connection, passes, spine, empty(), {
            join: broken,
            directory: join(directory, 'failing.spill', 'join'),
          }),
        ).rejects.toMatchObject({ code: 'MR_ENGINE_FAILED' });
        expect(await under.isRunning()).toBe(false);
      },
      300_000,
    );

    // Starting an engine takes seconds.
    test.skipIf(!failures)(
      'a join that is cancelled ends, and nothing runs any more',
      async () => {
        const { passes, spine, empty } = await passesOf(drawn);
        const cancel = new AbortController();
        const reason = new Error('cancelled');
        await expect(
          joinOnEngine(connection, passes, spine, empty(), {
            join: run('cancelled', cancel.signal, () => cancel.abort(reason)),
            directory: join(directory, 'cancelled.spill', 'join'),
          }),
        ).rejects.toBe(reason);
        expect(await under.isRunning()).toBe(false);
      },
      300_000,
    );

    // Where a job ends with the process that started it, nothing is left.
    test.skipIf(!outlives)(
      'what a killed process has left running is ended',
      async () => {
        const { passes, spine, empty } = await passesOf(drawn);
        const place = join(directory, 'left.spill', 'join');
        const left = joinOnEngine(connection, passes, spine, empty(), {
          join: run('left'),
          directory: place,
        }).then(
          () => 'joined',
          () => 'ended',
        );
        while (!(await under.isRunning())) await sleep(10);
        await under.engine.discard(place);
        expect(await under.isRunning()).toBe(false);
        expect(await left).toBe('ended');
      },
      300_000,
    );
  });
};

/** How many random definitions: more on demand. */
export const casesOf = (few: number): number => Number(process.env.MILLRACE_RUNS) || few;
