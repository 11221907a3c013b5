/** Every engine runs this suite: one test a promise of domain/ports/engine.ts. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { count, entity, featureView, source, sum } from '#domain/definitions/index.ts';
import type {
  EntityDefinition,
  FeatureViewDefinition,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import { parseDefinition } from '#domain/definitions/parse.ts';
import { col } from '#domain/expressions/build.ts';
import { keyOfEntity } from '#domain/plan/entity-key.ts';
import type { FeatureStatus, ViewPlan } from '#domain/plan/plan.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { modesOf } from '#domain/ports/degraded.ts';
import type {
  Engine,
  EngineEvents,
  EngineGeneration,
  ReplayRange,
  WantedGeneration,
  WantedView,
} from '#domain/ports/engine.ts';
import { formatPosition, type Log } from '#domain/ports/log.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import type { ServedView } from '#domain/ports/served-view.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import { type RawCodec, rawCodec } from '#domain/sources/raw-codec.ts';
import { rawAvroSchema } from '#domain/sources/source-schema.ts';
import type { Value } from '#domain/values/value.ts';

export interface EngineDefinitions {
  readonly source: SourceDefinition;
  readonly view: FeatureViewDefinition;
}

export interface EngineUnderTest {
  readonly log: () => Log;
  readonly schemas: () => SchemaRegistry;
  /** Opens the engine over what is stored; an earlier one is closed or has crashed. */
  readonly start: (events: EngineEvents, definitions: EngineDefinitions) => Promise<Engine>;
  /** Ends what computes as a crash would: nothing is saved. */
  readonly crash: (engine: Engine, view: string, generation: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface EngineSuiteOptions {
  /** whether a generation that cannot compute is reported by `onFailed`; else `error` says so */
  readonly reportsFailures: boolean;
  /** whether raw events answer for a view while it is filled for the first time */
  readonly foldsFirstFill: boolean;
  /** how long the engine may take for anything that is eventual */
  readonly deadlineMs: number;
}

const HOUR = 3_600_000;
const NO_SCHEMA = 999_999;
/** Event times are recent: an engine may forget entities that no window reaches any more. */
const T = Math.floor(Date.now() / HOUR) * HOUR - 2 * HOUR;
const AT = T + HOUR;

let opened = 0;
const parsed = <D>(definition: unknown): D =>
  parseDefinition(JSON.parse(JSON.stringify(definition))) as D;

/** A source and a view that no other test uses. */
const define = (): EngineDefinitions & { readonly plan: ViewPlan } => {
  const name = `${process.pid.toString(36)}_${Date.now().toString(36)}_${(opened++).toString(36)}`;
  const shop = entity({ name: 'shop', keys: { shop: 'string' } });
  const sales = source({
    name: `sales_${name}`,
    fields: { t: 'timestamp', shop: 'string', amount: 'double?' },
    eventTime: 't',
  });
  const totals = featureView({
    name: `totals_${name}`,
    entity: shop,
    source: sales,
    features: { ever: count({}), day: sum(col('amount'), { window: '1d', hop: '1h' }) },
  });
  const definitions = {
    source: parsed<SourceDefinition>(sales),
    view: parsed<FeatureViewDefinition>(totals),
  };
  const { view, source: from } = definitions;
  return { ...definitions, plan: planView(view, from, parsed<EntityDefinition>(shop)) };
};

type Sale = readonly [shop: string, amount: number];

/** What an engine must answer: an independent computation over all sales. */
const expected = (sales: readonly Sale[], shops: readonly string[]): readonly Value[][] =>
  shops.map((shop) => {
    const amounts = sales.flatMap(([of, amount]) => (of === shop ? [amount] : []));
    return [amounts.length, amounts.length === 0 ? null : amounts.reduce((a, b) => a + b, 0)];
  });

export const engineContract = (
  name: string,
  open: () => Promise<EngineUnderTest>,
  { reportsFailures, foldsFirstFill, deadlineMs }: EngineSuiteOptions,
): void => {
  describe(`an engine: ${name}`, () => {
    let under: EngineUnderTest;
    let engine: Engine;
    let definitions: ReturnType<typeof define>;
    let codec: RawCodec;
    let schemaId: number;
    let sales: Sale[];
    let filled: number[];
    let failures: { readonly generation: number; readonly error: Error }[];

    const events: EngineEvents = {
      async onFilled(view, generation) {
        expect(view).toBe(definitions.view.name);
        filled.push(generation);
      },
      async onFailed(view, generation, error) {
        expect(view).toBe(definitions.view.name);
        failures.push({ generation, error });
      },
    };
    const start = async (): Promise<void> => {
      engine = await under.start(events, definitions);
    };

    beforeEach(async () => {
      under = await open();
      definitions = define();
      [sales, filled, failures] = [[], [], []];
      codec = rawCodec(definitions.source);
      const topic = rawTopic(definitions.source.name);
      await under.log().createTopic(topic, { partitions: 1 });
      schemaId = await under
        .schemas()
        .register(`${topic}-value`, rawAvroSchema(definitions.source));
      await start();
    });
    afterEach(async () => {
      await engine.close();
      await under.close();
    });

    const append = (value: Uint8Array, schema: number) =>
      under.log().append({
        records: [
          {
            topic: rawTopic(definitions.source.name),
            partition: 0,
            key: 'k',
            value,
            schemaId: schema,
          },
        ],
      });
    /** Resolves with the log time of the last. */
    const publish = async (...more: readonly Sale[]): Promise<number> => {
      let logTime = 0;
      for (const [shop, amount] of more) {
        const value = codec.encode({ t: T + sales.length, shop, amount });
        logTime = (await append(value, schemaId)).logTime;
        sales.push([shop, amount]);
      }
      return logTime;
    };

    const wanted = (
      states: readonly WantedGeneration['state'][],
      more: {
        readonly versions?: readonly number[];
        readonly partial?: ReplayRange;
      } = {},
    ): readonly WantedView[] => {
      const { view, source: from, plan } = definitions;
      return [
        {
          view: view.name,
          generations: states.map((state, i) => ({
            spec: {
              view: view.name,
              version: more.versions?.[i] ?? 1,
              generation: i + 1,
              plan,
              source: from,
            },
            state,
            partial: i === 1 ? (more.partial ?? null) : null,
          })),
          gone: [],
        },
      ];
    };
    const reconcile = (views: readonly WantedView[]): Promise<void> =>
      engine.reconcile(views, () => {});

    const until = async <T>(what: string, attempt: () => Promise<T | null> | T | null) => {
      for (const deadline = Date.now() + deadlineMs; ; ) {
        const found = await attempt();
        if (found !== null && found !== false) return found;
        if (Date.now() > deadline) throw new Error(`not within ${deadlineMs / 1000} s: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };

    const generationOf = (generation: number): EngineGeneration =>
      engine.generation(definitions.view.name, generation) as EngineGeneration;
    const live = (version?: number): ServedView =>
      engine.live(definitions.view.name, version) as ServedView;
    const keyOf = (shop: string): string => keyOfEntity(definitions.plan, { shop });

    const expectFirstFill = (): void => {
      const answer = engine.live(definitions.view.name);
      if (foldsFirstFill) expect(answer).toMatchObject({ version: 1, generation: 1 });
      else expect(answer).toBe('filling');
    };

    /** null: raw events would have to answer. */
    const valuesOf = async (
      served: ServedView,
      shops: readonly string[],
    ): Promise<readonly Value[][] | null> => {
      const keys = shops.map(keyOf);
      const fetched = await served.fetch?.(keys, AT);
      const rows = keys.map((key, row) => {
        const [out, status]: [Value[], FeatureStatus[]] = [[], []];
        const outcome =
          fetched === undefined
            ? served.read(key, AT, out, status)
            : fetched.read(row, AT, out, status);
        return outcome === 'ok' ? [...out] : null;
      });
      return rows.some((row) => row === null) ? null : (rows as Value[][]);
    };
    /** The first answer from tiles. */
    const answer = (served: ServedView, shops: readonly string[]) =>
      until('tiles answer', () => valuesOf(served, shops));
    const shows = async (served: ServedView, shops: readonly string[]): Promise<boolean> =>
      JSON.stringify(await valuesOf(served, shops)) === JSON.stringify(expected(sales, shops));
    const fill = async (generation: number): Promise<void> => {
      await until(`generation ${generation} is filled`, () => filled.includes(generation));
    };
    /** One generation, filled and promoted. */
    const promote = async (): Promise<void> => {
      await reconcile(wanted(['filling']));
      await fill(1);
      await reconcile(wanted(['live']));
    };

    test('an engine of which nothing is wanted has no view', () => {
      expect(engine.live(definitions.view.name)).toBeNull();
      expect(engine.generation(definitions.view.name, 1)).toBeNull();
      expect(engine.running()).toEqual([]);
    });

    test('`answers` is called once, before `reconcile` resolves, and reads answer from then on', async () => {
      const before = engine.epoch();
      let calls = 0;
      let resolved = false;
      await engine.reconcile(wanted(['filling']), () => {
        calls++;
        expect(resolved).toBe(false);
        expectFirstFill();
        expect(engine.generation(definitions.view.name, 1)).not.toBeNull();
        expect(engine.epoch()).not.toBe(before);
      });
      resolved = true;
      expect(calls).toBe(1);
    });

    test('repeating a reconciliation changes nothing', async () => {
      await promote();
      const first = generationOf(1);
      await reconcile(wanted(['live']));
      await reconcile(wanted(['live']));
      expect(generationOf(1)).toBe(first);
      expect(engine.running()).toEqual([first]);
    });

    test('a filling generation takes in everything accepted before, and is then reported', async () => {
      await publish(['a', 1], ['b', 2], ['a', 3]);
      await reconcile(wanted(['filling']));
      expectFirstFill();
      await fill(1);
      expectFirstFill();
      if (foldsFirstFill) {
        const fetched = await live().fetch?.([keyOf('a')], AT);
        expect(fetched?.read(0, AT, [], [])).toBe('needs-history');
        expect(live().positions()[0]?.offset).toBeGreaterThanOrEqual(3);
      }
      const { served } = generationOf(1);
      expect(await answer(served, ['a', 'b', 'c'])).toEqual(expected(sales, ['a', 'b', 'c']));
      await until('it computes', () => generationOf(1).error() === null);
      await reconcile(wanted(['live']));
      expect(live()).toMatchObject({ version: 1, generation: 1 });
      expect(await answer(live(), ['a'])).toEqual(expected(sales, ['a']));
    });

    test('a live generation takes in new events; what it says of itself is true of its reads', async () => {
      await promote();
      let progress = 0;
      const unsubscribe = engine.onProgress(() => progress++);
      const logTime = await publish(['a', 1], ['a', 2], ['b', 3]);
      let served = live();
      const seen: number[] = [];
      await until('the events are in', async () => {
        served = live();
        // Read before the values: what they promise must be true by then.
        const complete = served.completeThrough(Date.now());
        const [position] = served.positions();
        seen.push(complete ?? 0);
        const values = await valuesOf(served, ['a', 'b']);
        const [hasPosition, isComplete] = [
          (position?.offset ?? 0) >= 3,
          (complete ?? 0) >= logTime,
        ];
        if (values !== null && (hasPosition || isComplete))
          expect(values).toEqual(expected(sales, ['a', 'b']));
        return values !== null && hasPosition && isComplete;
      });
      expect(seen).toEqual([...seen].sort((a, b) => a - b));
      const topic = rawTopic(definitions.source.name);
      expect(served.position()).toBe(formatPosition(topic, served.positions()));
      expect(generationOf(1).positions()).toEqual(served.positions());
      await until('nothing is left', () => generationOf(1).lag() === 0);
      expect(generationOf(1).events()).toBeGreaterThanOrEqual(3);
      await until('nothing is degraded', () => modesOf(served.degraded()).length === 0);
      await until('the listener was called', () => progress > 0);
      unsubscribe();
    });

    test('the newest event time of an entity, and where the tiles can be inspected', async () => {
      await promote();
      await publish(['a', 1], ['b', 2], ['a', 3]);
      await until('the events are in', () => shows(live(), ['a', 'b']));
      const fetched = await live().fetch?.([keyOf('a'), keyOf('c')], AT);
      const newest =
        fetched === undefined
          ? [live().newest(keyOf('a')), live().newest(keyOf('c'))]
          : [fetched.newest(0), fetched.newest(1)];
      expect(newest).toEqual([T + 2, null]);
      const tiles = await generationOf(1).tiles();
      const [out, status]: [Value[], FeatureStatus[]] = [[], []];
      expect(tiles.read(keyOf('a'), AT, out, status)).toBe('ok');
      expect(out).toEqual(expected(sales, ['a'])[0]);
    });

    test('a second generation is filled while the first answers, and takes over when promoted', async () => {
      await promote();
      await publish(['a', 1], ['b', 2]);
      await until('the events are in', () => shows(live(), ['a', 'b']));
      const versions = [1, 2];
      await reconcile(wanted(['live', 'filling'], { versions }));
      expect(live().generation).toBe(1);
      expect(engine.live(definitions.view.name, 2)).toBe('filling');
      await fill(2);
      expect(live().generation).toBe(1);
      const filledValues = await answer(generationOf(2).served, ['a', 'b']);
      expect(filledValues).toEqual(expected(sales, ['a', 'b']));
      for (const number of [1, 2]) {
        const tiles = await generationOf(number).tiles();
        const of = ['a', 'b'].map((name) => {
          const [out, status]: [Value[], FeatureStatus[]] = [[], []];
          expect(tiles.read(keyOf(name), AT, out, status)).toBe('ok');
          return out;
        });
        expect(of).toEqual(filledValues);
      }
      const before = engine.epoch();
      await reconcile(wanted(['standby', 'live'], { versions }));
      expect(engine.epoch()).not.toBe(before);
      expect(live()).toMatchObject({ version: 2, generation: 2 });
      expect(live(1)).toMatchObject({ version: 1, generation: 1 });
      expect(engine.live(definitions.view.name, 3)).toBeNull();
      await publish(['a', 5]);
      await until('both take it in', async () => {
        const both = [live(), live(1)].map((served) => shows(served, ['a', 'b']));
        return (await Promise.all(both)).every(Boolean);
      });
    });

    test('a replay of some entities has the values of all of them', async () => {
      await promote();
      await publish(['a', 1], ['b', 2], ['a', 4]);
      await until('the events are in', () => shows(live(), ['a', 'b']));
      const partial = { from: null, to: null, keys: [keyOf('a')] };
      await reconcile(wanted(['live', 'filling'], { partial }));
      await fill(2);
      const filledValues = await answer(generationOf(2).served, ['a', 'b']);
      expect(filledValues).toEqual(expected(sales, ['a', 'b']));
    });

    test('a new version of the same values keeps the generation', async () => {
      await promote();
      await publish(['a', 1]);
      await until('the event is in', () => shows(live(), ['a']));
      await reconcile(wanted(['live'], { versions: [2] }));
      expect(live()).toMatchObject({ version: 2, generation: 1 });
      await publish(['a', 2]);
      await until('it computes on', () => shows(live(), ['a']));
    });

    test('a generation that is not wanted any more stops', async () => {
      await promote();
      await reconcile(wanted([]));
      expect(engine.generation(definitions.view.name, 1)).toBeNull();
      expect(engine.running()).toEqual([]);
      expect(engine.live(definitions.view.name)).toBe('filling');
      await reconcile([]);
      expect(engine.live(definitions.view.name)).toBeNull();
    });

    test('closed and opened again, it goes on where it was: nothing is lost or counted twice', async () => {
      await promote();
      await publish(['a', 1], ['b', 2]);
      await until('the events are in', () => shows(live(), ['a', 'b']));
      await engine.close();
      await publish(['a', 4]);
      await start();
      await reconcile(wanted(['live']));
      await publish(['b', 8]);
      await until('all events are in', () => shows(live(), ['a', 'b']));
    });

    test('after a crash nothing is lost or counted twice', async () => {
      await promote();
      await publish(['a', 1], ['b', 2], ['a', 4]);
      await until('the events are in', () => shows(live(), ['a', 'b']));
      await publish(['a', 8], ['c', 16]);
      await under.crash(engine, definitions.view.name, 1);
      await start();
      await reconcile(wanted(['live']));
      await publish(['b', 32]);
      await until('all events are in', () => shows(live(), ['a', 'b', 'c']));
      await publish(['a', 64]);
      await until('it goes on', () => shows(live(), ['a', 'b', 'c']));
    });

    test('a generation that cannot compute keeps its values and says why', async () => {
      await publish(['a', 1]);
      await reconcile(wanted(['filling']));
      await fill(1);
      await append(new Uint8Array([1, 2, 3]), NO_SCHEMA);
      await until('its failure is seen', () => generationOf(1).error() !== null);
      const { served } = generationOf(1);
      expect(modesOf(served.degraded())).toEqual(['engine-stalled']);
      await until('its values are there', () => shows(served, ['a']));
      expect(failures.map(({ generation }) => generation)).toEqual([]);
    });

    test('a filling generation that cannot compute is reported where the engine gives it up', async () => {
      await append(new Uint8Array([1, 2, 3]), NO_SCHEMA);
      await reconcile(wanted(['filling']));
      await until('its failure is seen', () => generationOf(1).error() !== null);
      if (reportsFailures) await until('it is reported', () => failures.length > 0);
      expect(failures.map(({ generation }) => generation)).toEqual(reportsFailures ? [1] : []);
      expect(filled).toEqual([]);
    });

    test('after `close` nothing is reported', async () => {
      await publish(['a', 1]);
      await reconcile(wanted(['filling']));
      await engine.close();
      const reports = filled.length + failures.length;
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(filled.length + failures.length).toBe(reports);
    });
  });
};
