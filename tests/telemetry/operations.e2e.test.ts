/**
 * The dashboard and the alert rules use only metrics and labels that exist: each name in each
 * expression is searched in `/metrics` of a platform that had traffic of every kind.
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { count, entity, featureService, featureView, source } from 'millrace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { createMetrics } from '#infra/telemetry/metrics.ts';
import {
  caller,
  plain,
  replayFilled,
  type TestPlatform,
  testPlatform,
} from '#tests/support/platform.ts';
import { readExposition, readPromql } from './promql.ts';

const OPERATIONS = join(import.meta.dirname, '../../docs/operations');
/** The parser that the OpenAPI plugin depends on. */
const yaml = createRequire(createRequire(import.meta.url).resolve('@fastify/swagger'))('yaml') as {
  parse: (text: string) => unknown;
};

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}
interface Panel {
  readonly title: string;
  readonly type: string;
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const groups = (
  yaml.parse(readFileSync(join(OPERATIONS, 'alerts.yml'), 'utf8')) as {
    groups: { rules: Rule[] }[];
  }
).groups;
const rules = groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(readFileSync(join(OPERATIONS, 'grafana/dashboard.json'), 'utf8')) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly query: string }[] };
};
const panels = dashboard.panels.filter(({ type }) => type !== 'row');

/**
 * Prometheus adds these labels to every series that it scrapes; a label of ours with the same name
 * would be renamed.
 */
const SCRAPED = ['instance', 'job'];

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: { shop: 'string', at: 'timestamp' },
  eventTime: 'at',
});
const turnover = featureView({
  name: 'turnover',
  entity: shop,
  source: sales,
  freshness: '1m',
  features: { sales: count() },
});

const model = featureService({ name: 'model', features: [turnover], logging: { sample: 1 } });

let running: TestPlatform;
let gateway: HttpGateway;
let exposed: ReturnType<typeof readExposition>;

/**
 * Metrics of a platform with an external engine: its jobs. Made from the status of such a platform.
 */
const withJobs = async (): Promise<ReturnType<typeof readExposition>> => {
  const { platform } = running;
  const status = await platform.operations.status();
  const job = { name: 'archive', state: 'RUNNING', restarts: 0, failure: null, checkpointAt: 1 };
  const outbox = { head: 1, position: 1, failing: false };
  return readExposition(
    await createMetrics().text({ status: { ...status, jobs: [job] }, freshness: [], outbox }),
  );
};

beforeAll(async () => {
  running = await testPlatform();
  const { platform } = running;
  gateway = await createHttpGateway({ modules: httpModules(), platform, port: 0 });
  const post = (path: string, body: unknown) =>
    fetch(`${gateway.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  await post('/v1/apply', { definitions: plain(shop, sales, turnover, model) });
  const events = [{ shop: 'a', at: Date.now() }, { shop: 'b', at: Date.now() }, { shop: 3 }];
  await post('/v1/sources/sales/events', { events });
  await post('/v1/features', { features: ['turnover:sales'], entities: [{ shop: 'a' }] });
  await post('/v1/features', {
    features: ['turnover:sales'],
    entities: [{ shop: 'a' }],
    known: Date.now() - 1000,
  });
  await post('/v1/features', { service: 'nowhere', entities: [{ shop: 'a' }] });
  await post('/nowhere', {});
  const replay = await platform.replays.start({ view: 'turnover' }, caller);
  await replayFilled(platform, replay.id);
  exposed = readExposition(await (await fetch(`${gateway.url}/metrics`)).text());
  for (const [name, labels] of (await withJobs()).series) {
    if (!exposed.declared.has(name) || exposed.series.has(name)) continue;
    exposed.series.set(name, labels);
  }
});
afterAll(async () => {
  await gateway.close();
  await running.dispose();
});

/** Every name in an expression that a running platform does not expose. */
const unknownIn = (text: string): string[] => {
  const { metrics, grouping } = readPromql(text);
  const wrong = metrics.flatMap(({ metric, labels }) => {
    const has = exposed.series.get(metric);
    if (has === undefined) return [metric];
    return labels
      .filter((label) => !has.has(label) && !SCRAPED.includes(label))
      .map((label) => `${metric}{${label}}`);
  });
  const anyHas = (label: string): boolean =>
    metrics.some(({ metric }) => exposed.series.get(metric)?.has(label));
  return [
    ...wrong,
    ...grouping
      .filter((label) => !anyHas(label) && !SCRAPED.includes(label))
      .map((label) => `by (${label})`),
  ];
};

test('an unknown name, label or grouping is found', () => {
  expect(unknownIn('rate(millrace_evens_total{source="a"}[5m])')).toEqual(['millrace_evens_total']);
  expect(unknownIn('sum by (sauce) (rate(millrace_events_total{origin="a"}[5m]))')).toEqual([
    'millrace_events_total{origin}',
    'by (sauce)',
  ]);
  expect(() => unknownIn('sum(rate(x[5m])')).toThrowError(/brackets/);
});

test('alert rules use exposed metrics and labels, and every rule has a severity and a remedy', () => {
  expect(rules.length).toBeGreaterThan(15);
  expect(
    rules.flatMap(({ alert, expr }) => unknownIn(expr).map((name) => `${alert}: ${name}`)),
  ).toEqual([]);
  for (const { alert, labels, annotations, for: wait } of rules) {
    expect(alert).toMatch(/^Millrace[A-Za-z]+$/);
    expect(['page', 'ticket']).toContain(labels.severity);
    expect(annotations.summary.length * annotations.description.length, alert).toBeGreaterThan(0);
    if (wait !== undefined) expect(wait).toMatch(/^\d+[smh]$/);
  }
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
});

test("an alert's text uses labels that its expression keeps", () => {
  const wrong = rules.flatMap(({ alert, expr, annotations }) => {
    const { metrics, grouping } = readPromql(expr);
    const aggregated = /\b(sum|max|min|avg|count)\b/.test(expr);
    const left = new Set(
      aggregated
        ? grouping
        : metrics.flatMap(({ metric }) => [...(exposed.series.get(metric) ?? [])]),
    );
    const said = [
      ...`${annotations.summary} ${annotations.description}`.matchAll(/\$labels\.(\w+)/g),
    ].map((match) => match[1]);
    return said.filter((label) => !left.has(label as string)).map((label) => `${alert}: ${label}`);
  });
  expect(wrong).toEqual([]);
});

test('the dashboard uses exposed metrics, labels and legends', () => {
  expect(panels.length).toBeGreaterThan(15);
  const targets = panels.flatMap(({ title, targets: all = [] }) =>
    all.map((target) => ({ title, ...target })),
  );
  const resolved = (expr: string): string => expr.replaceAll('$__rate_interval', '5m');
  expect(
    targets.flatMap(({ title, expr }) =>
      unknownIn(resolved(expr)).map((name) => `${title}: ${name}`),
    ),
  ).toEqual([]);
  const legends = targets.flatMap(({ title, expr, legendFormat }) => {
    const { metrics, grouping } = readPromql(resolved(expr));
    const known = [
      ...SCRAPED,
      ...grouping,
      ...metrics.flatMap(({ metric }) => [...(exposed.series.get(metric) ?? [])]),
    ];
    return [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)]
      .map((m) => m[1])
      .filter((l) => !known.includes(l as string))
      .map((l) => `${title}: ${l}`);
  });
  expect(legends).toEqual([]);
  const queried = dashboard.templating.list.flatMap(
    ({ query }) => /label_values\((\w+), \w+\)/.exec(query)?.[1] ?? [],
  );
  expect(queried.filter((metric) => !exposed.series.has(metric))).toEqual([]);
});

test("the number of series is bounded: label values come from routes, codes and the registry, and no label is one of Prometheus's", () => {
  const ours = [...exposed.series].filter(([name]) => name.startsWith('millrace_'));
  expect(
    ours.flatMap(([name, labels]) =>
      SCRAPED.filter((l) => labels.has(l)).map((l) => `${name}{${l}}`),
    ),
  ).toEqual([]);
  const allowed =
    'protocol route status code source outcome store from view service reason generation operation engine_job version profile mode le'.split(
      ' ',
    );
  expect(
    [...new Set(ours.flatMap(([, labels]) => [...labels]))].filter(
      (label) => !allowed.includes(label),
    ),
  ).toEqual([]);
});

test('a request is counted by route, status and code; all unknown paths are one series', async () => {
  for (const path of ['/x1', '/x2', '/v1/registry/source/none'])
    await fetch(`${gateway.url}${path}`);
  const text = await (await fetch(`${gateway.url}/metrics`)).text();
  const value = (line: string): number =>
    Number(
      text
        .split('\n')
        .find((l) => l.startsWith(line))
        ?.slice(line.length) ?? Number.NaN,
    );
  expect(value('millrace_requests_total{protocol="http",route="unmatched",status="404"} ')).toBe(3);
  expect(
    value(
      'millrace_requests_total{protocol="http",route="GET /v1/registry/:kind/:name",status="404"} ',
    ),
  ).toBe(1);
  expect(
    value('millrace_requests_total{protocol="http",route="POST /v1/features",status="200"} '),
  ).toBe(2);
  expect(value('millrace_request_seconds_count{protocol="http",route="POST /v1/features"} ')).toBe(
    3,
  );
  expect(
    value('millrace_request_seconds_bucket{protocol="http",route="POST /v1/features",le="+Inf"} '),
  ).toBe(3);
  expect(value('millrace_refusals_total{protocol="http",code="MR_NOT_FOUND"} ')).toBe(2);
  expect(value('millrace_events_total{source="sales",outcome="accepted"} ')).toBe(2);
  expect(value('millrace_events_total{source="sales",outcome="rejected"} ')).toBe(1);
  expect(value('millrace_view_freshness_target_seconds{view="turnover"} ')).toBe(60);
  expect(text).not.toContain('/x1');
});
