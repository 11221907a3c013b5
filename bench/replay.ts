/**
 * Replays over all events: from the log, then from the history, when the log is trimmed. Of both
 * views of the flights example; with KEYS, of a view with so many entities. The CPU time is that of
 * the whole process, until the generation is filled and its updates are in the history, too. The
 * limit reads and decodes the same events alone: from the log, and from the history by time.
 *
 *   npm run bench replay [EVENTS] [KEYS]
 */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Definition, SourceDefinition } from '#domain/definitions/model.ts';
import { parseDefinition } from '#domain/definitions/parse.ts';
import { readPartition } from '#domain/ports/read-partition.ts';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import { rawCodec } from '#domain/sources/raw-codec.ts';
import type { Row } from '#domain/values/value.ts';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import type { EmbeddedParts } from '#infra/profiles/embedded.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { historyReader } from '#infra/shared/iceberg/reader.ts';
import { openReadingConnection } from '#infra/sqlite/reading-connection.ts';
import { flightBatches } from './support/flights.ts';
import { HOUR, orderBatches, orderDefinitions } from './support/orders.ts';
import { caller, exampleDefinitions, startBenchPlatform } from './support/platform.ts';
import { type Figure, print } from './support/report.ts';
import { type Usage, usageText, used } from './support/usage.ts';

const EVENTS = Number(process.argv[2] ?? 3_000_000);
const BATCH = 20_000;
const DAY = 86_400_000;
const GOAL = 15;
const KEYS = process.argv[3] === undefined ? null : Number(process.argv[3]);

interface Replayable {
  readonly definitions: readonly Definition[];
  readonly source: string;
  readonly views: readonly string[];
  readonly batches: Iterable<readonly object[]> | AsyncIterable<readonly object[]>;
}

const { definitions, source, views, batches }: Replayable =
  KEYS === null
    ? {
        definitions: exampleDefinitions(),
        source: 'flights',
        views: ['airport_delays', 'route_delays'],
        batches: flightBatches(EVENTS, BATCH),
      }
    : {
        definitions: orderDefinitions(),
        source: 'orders',
        views: ['spending'],
        batches: orderBatches(EVENTS, KEYS, Date.now() - HOUR, BATCH),
      };
const RAW = rawTopic(source);

/** Moved forward, so that the log is old enough to be trimmed. */
let ahead = 0;
let opened: EmbeddedParts | null = null;
const bench = await startBenchPlatform(definitions, {
  now: () => Date.now() + ahead,
  keepLogMs: DAY,
  onParts: (parts) => {
    opened = parts;
  },
});
const { history, retention } = opened as unknown as EmbeddedParts;
const { platform, directory } = bench;
const database = join(directory, 'millrace.db');

console.error('publishing');
for await (const events of batches)
  await platform.publishing.publish({ source, events: events as readonly Row[] }, caller);

const inHistory = async (): Promise<void> => {
  await history.sync(RAW);
  for (const view of views) await history.sync(featuresTopic(view));
};

const endOf = async (topic: string): Promise<number> => {
  const { log, close } = openReadingConnection(database);
  try {
    return (await log.end(topic)).reduce((sum, end) => sum + end, 0);
  } finally {
    close();
  }
};

const definition = parseDefinition(
  definitions.find(({ kind }) => kind === 'source'),
) as SourceDefinition;

const count = async (found: AsyncIterable<readonly unknown[]>): Promise<void> => {
  let events = 0;
  for await (const batch of found) events += batch.length;
  if (events !== EVENTS) throw new Error(`there are ${events} of ${EVENTS} events`);
};

async function* decodedLog(): AsyncGenerator<readonly Row[]> {
  const { log, schema, close } = openReadingConnection(database);
  const decoders = new Map<number, (bytes: Uint8Array) => Row>();
  for (const [partition] of (await log.end(RAW)).entries())
    for await (const records of readPartition(log, RAW, partition)) {
      const rows: Row[] = [];
      for (const { schemaId, value } of records) {
        const decode =
          decoders.get(schemaId) ?? rawCodec(definition, await schema(schemaId)).decode;
        decoders.set(schemaId, decode);
        rows.push(decode(value));
      }
      yield rows;
    }
  close();
}

const readHistory = async (): Promise<void> => {
  const tables = { files: localFiles(), uri: fileUri(join(directory, 'history')) };
  const reader = historyReader(tables, await openDuckDb({ threads: 2, memoryLimit: '256MB' }));
  await count(reader.scan({ source, fields: Object.keys(definition.fields) }));
  reader.close();
};

interface Replayed {
  readonly view: string;
  readonly filled: Usage;
  readonly whole: Usage;
  readonly updates: number;
}

const replay = async (view: string): Promise<Replayed> => {
  const before = await endOf(featuresTopic(view));
  let filled: Usage | null = null;
  let id = '';
  const whole = await used(async () => {
    filled = await used(async () => {
      ({ id } = await platform.replays.start({ view, reason: 'bench' }, caller));
      for (;;) {
        const { state, events, error } = await platform.replays.get(id);
        if (error !== null) throw new Error(error);
        if (state === 'ready') {
          if (events !== EVENTS) throw new Error(`${events} of ${EVENTS} events were computed`);
          return;
        }
        await sleep(20);
      }
    });
    await history.sync(featuresTopic(view));
  });
  const updates = (await endOf(featuresTopic(view))) - before;
  await platform.replays.change(id, 'abandon', {}, caller);
  return { view, filled: filled as unknown as Usage, whole, updates };
};

const replays = async (where: string, limit: Usage): Promise<Figure[]> => {
  const figures: Figure[] = [];
  const micros = ({ cpuSeconds }: Usage): number => (cpuSeconds * 1e6) / EVENTS;
  for (const name of views) {
    console.error(`replaying ${name} from the ${where}`);
    const { view, filled, whole, updates } = await replay(name);
    figures.push(
      {
        what: `${view} from the ${where}, CPU µs an event`,
        ours: micros(whole).toFixed(1),
        limit: micros(limit).toFixed(1),
        goal: `${GOAL}`,
        met: micros(whole) <= GOAL,
      },
      { what: '  filled', ours: usageText(filled), limit: usageText(limit), goal: '', met: null },
      {
        what: '  with its updates in the history',
        ours: usageText(whole),
        limit: '',
        goal: '',
        met: null,
      },
      {
        what: '  updates an event',
        ours: (updates / EVENTS).toFixed(2),
        limit: '',
        goal: '',
        met: null,
      },
    );
  }
  return figures;
};

await inHistory();
await history.maintain(RAW);
const fromLog = await replays('log', await used(() => count(decodedLog())));

// What the history had at the first trim is trimmed at the second.
ahead = 2 * DAY;
await inHistory();
await retention.trim();
await retention.trim();
const [trimmed = 0] = await (async () => {
  const { log, close } = openReadingConnection(database);
  try {
    return await log.begin(RAW);
  } finally {
    close();
  }
})();
if (trimmed !== EVENTS) throw new Error(`only ${trimmed} of ${EVENTS} events were trimmed`);
const fromHistory = await replays('history', await used(readHistory));
await bench.close();
print(
  `replays of ${EVENTS.toLocaleString('en')} events${KEYS === null ? '' : ` of ${KEYS.toLocaleString('en')} keys`}; the limit reads and decodes them`,
  [...fromLog, ...fromHistory],
);
