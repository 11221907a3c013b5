/**
 * A platform with one resource of each kind behind its HTTP and gRPC gateways, and a count of
 * accepted events over all of its inputs.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  approxCountDistinct,
  avg,
  col,
  count,
  entity,
  featureService,
  featureView,
  last,
  onDemandFeature,
  request,
  source,
  topK,
} from 'millrace';
import type { Platform } from '#domain/api/platform.ts';
import type { PublishResult } from '#domain/api/publishing.ts';
import { createGrpcGateway, type GrpcGateway } from '#gateways/grpc/gateway.ts';
import { grpcModules } from '#gateways/grpc-modules.ts';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import type { GatewayLimits } from '#gateways/shared/limits.ts';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: {
    id: 'string',
    shop: 'string',
    at: 'timestamp',
    amount: 'double',
    pieces: 'int?',
    day: 'date?',
    tag: 'bytes?',
    ids: 'array<long>?',
    note: 'string?',
  },
  eventTime: 'at',
  eventId: 'id',
});
const turnover = featureView({
  name: 'turnover',
  entity: shop,
  source: sales,
  ttl: '30d',
  features: {
    sales: count(),
    sales_1d: count({ window: '1d' }),
    amount_avg: avg(col('amount')),
    note: last(col('note')),
    notes: approxCountDistinct(col('note'), { window: '1d' }),
    top: topK(col('note'), 3),
  },
});
/** Without a ttl, so that it has every event of any time. */
const counted = featureView({
  name: 'counted',
  entity: shop,
  source: sales,
  features: { events: count() },
});
const boosted = onDemandFeature({
  name: 'boosted',
  type: 'double',
  inputs: { average: turnover.feature('amount_avg'), by: request('by', 'double') },
  value: ({ average, by }) => average.times(by),
});
const till = featureService({
  name: 'till',
  features: [turnover.pick('sales', 'amount_avg'), boosted],
});
export const DEFINITIONS = plain(shop, sales, turnover, counted, boosted, till);

export interface Hostile {
  readonly running: TestPlatform;
  readonly platform: Platform;
  readonly http: HttpGateway;
  readonly grpc: GrpcGateway;
  /** events that answers reported as accepted */
  readonly accepted: () => number;
  /** internal errors whose cause no caller was shown: each is a bug */
  readonly internal: string[];
  readonly replay: string;
  readonly dataset: string;
  readonly dispose: () => Promise<void>;
}

export const sale = (
  id: string,
  more: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> => ({
  id,
  shop: 's1',
  at: Date.now() - 60_000,
  amount: 5,
  ...more,
});

export const startHostile = async (limits: Partial<GatewayLimits> = {}): Promise<Hostile> => {
  const running = await testPlatform();
  const inner = running.platform;
  let accepted = 0;
  const counted = async (result: Promise<PublishResult>): Promise<PublishResult> => {
    const answer = await result;
    accepted += answer.accepted;
    return answer;
  };
  const platform: Platform = {
    ...inner,
    publishing: {
      ...inner.publishing,
      publish: (request, from) => counted(inner.publishing.publish(request, from)),
      resendRejected: (source, request, from) =>
        counted(inner.publishing.resendRejected(source, request, from)),
    },
  };
  await platform.registry.apply(DEFINITIONS, {}, caller);
  await platform.publishing.publish(
    { source: 'sales', events: [sale('first'), sale('second'), { ...sale('bad'), amount: 'x' }] },
    caller,
  );
  const replay = await platform.replays.start({ view: 'turnover' }, caller);
  const dataset = await platform.datasets.start(
    {
      target: { view: 'turnover' },
      spine: { rows: [{ shop: 's1', event_timestamp: Date.now() }] },
      mode: 'event-time',
    },
    caller,
  );
  const internal: string[] = [];
  const onInternalError = (error: unknown): void => {
    internal.push(
      error instanceof Error
        ? String(error.stack).split('\n').slice(0, 8).join('\n')
        : String(error),
    );
  };
  const http = await createHttpGateway({
    modules: httpModules(),
    platform,
    port: 0,
    limits,
    onInternalError,
  });
  const grpc = await createGrpcGateway({
    modules: grpcModules(),
    platform,
    port: 0,
    limits,
    onInternalError,
  });
  return {
    running,
    platform,
    http,
    grpc,
    accepted: () => accepted,
    internal,
    replay: replay.id,
    dataset: dataset.id,
    async dispose() {
      await http.close();
      await grpc.close();
      await running.dispose();
    },
  };
};

/** Events may be up to a day ahead of the clock. */
const AHEAD_MS = 2 * 86_400_000;

/**
 * The number of events in the log, in the view and in an export: all must equal the accepted ones.
 */
export const eventsEverywhere = async (
  platform: Platform,
  directory: string,
): Promise<Record<'log' | 'exported' | 'counted', number>> => {
  const status = await platform.operations.status();
  let exported = 0;
  for await (const rows of await platform.publishing.exportEvents('sales')) exported += rows.length;
  const out = join(directory, `counted-${status.startedAt}-${exported}.csv`);
  await platform.datasets.batch(
    { target: { view: 'counted' }, at: Date.now() + AHEAD_MS, out },
    caller,
  );
  return {
    log: status.sources.find((s) => s.source === 'sales')?.events ?? -1,
    exported,
    counted: sumOf(await readFile(out, 'utf8'), 'events'),
  };
};

/** The sum of a column of a CSV file. Fields may have quotes, commas and line ends. */
const sumOf = (csv: string, column: string): number => {
  const rows: string[][] = [[]];
  let field = '';
  let quoted = false;
  for (let i = 0; i < csv.length; i++) {
    const c = csv[i] as string;
    if (quoted) {
      if (c !== '"') field += c;
      else if (csv[i + 1] === '"') field += csv[++i];
      else quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === ',' || c === '\n') {
      rows.at(-1)?.push(field);
      field = '';
      if (c === '\n') rows.push([]);
    } else if (c !== '\r') field += c;
  }
  const [head, ...body] = rows.filter((row) => row.length > 0) as [string[], ...string[][]];
  const at = head.indexOf(column);
  return body.reduce((sum, row) => sum + Number(row[at]), 0);
};
