/**
 * The promise: whatever is sent to any route, the answer comes soon and has a documented form. A
 * refused request leaves nothing behind, and the platform continues to answer correctly. The
 * requests are valid ones, mutated as trees and as bytes. A failure prints the seed:
 * `MILLRACE_SEED=… npm run test:faults -- tests/hostile`. `MILLRACE_RUNS` makes more requests.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ERRORS, type ErrorCode } from '#domain/errors.ts';
import { call } from '#tests/support/server.ts';
import { HEADERS, RAW_PATHS, TEXTS } from './support/corpus.ts';
import { eventsEverywhere, type Hostile, sale, startHostile } from './support/fixture.ts';
import { mutateBody } from './support/mutate.ts';
import { type Random, randomOf, SEED } from './support/random.ts';
import { RIGHT_QUERY, type Route, rightParameter, routesOf } from './support/routes.ts';
import { type Answered, closeAgent, type Sent, send } from './support/send.ts';

const SHOWN = 10;
const RUNS = Number(process.env.MILLRACE_RUNS ?? 30);

let hostile: Hostile;
let routes: readonly Route[];
beforeAll(async () => {
  hostile = await startHostile();
  routes = await routesOf(hostile);
});
afterAll(async () => {
  closeAgent();
  await hostile.dispose();
});

const pathOf = (route: Route, random: Random): string => {
  const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    if (random.chance(0.7)) return rightParameter(hostile, route, name);
    return random.chance(0.7)
      ? encodeURIComponent(random.pick(TEXTS).toWellFormed())
      : random.pick(RAW_PATHS);
  });
  const names = [
    ...new Set([
      ...route.query,
      ...(route.path === '/v1/explain' ? Object.keys(RIGHT_QUERY).slice(0, 5) : []),
    ]),
  ];
  const query = names.flatMap((name) => {
    if (random.chance(0.15)) return [];
    const value = random.chance(0.6) ? (RIGHT_QUERY[name] ?? 'x') : random.pick(TEXTS);
    const one = `${encodeURIComponent(name)}=${encodeURIComponent(value.toWellFormed())}`;
    return random.chance(0.1) ? [one, one] : [one];
  });
  if (random.chance(0.05))
    query.push(
      `${random.pick(['__proto__', 'constructor', 'entity.', 'entity.__proto__', 'a[b]', '%'])}=1`,
    );
  return query.length === 0 ? path : `${path}?${query.join('&')}`;
};

/** A request may name files of the server: in this test only those of its folder. */
const namesForeignFile = (body: Buffer): boolean =>
  [...body.toString('latin1').matchAll(/"(?:out|file)"\s*:\s*"([^"]*)/g)].some(
    ([, path]) => path?.startsWith('/') && !path.startsWith(`${hostile.running.files}/`),
  );

const requestOf = (route: Route, random: Random): Sent => {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (random.chance(0.2)) {
    const [name, value] = random.pick(HEADERS);
    headers[name] = value;
  }
  let body: Buffer | null = null;
  if (route.body !== undefined) {
    do
      body = random.chance(0.05)
        ? Buffer.from(JSON.stringify(route.body))
        : mutateBody(route.body, random);
    while (namesForeignFile(body));
  } else if (route.method === 'GET') {
    headers['content-type'] = '';
    delete headers['content-type'];
  }
  return { method: route.method, path: pathOf(route, random), headers, body };
};

const jsonOf = (answer: Answered): unknown => {
  try {
    return JSON.parse(answer.body.toString('utf8'));
  } catch {
    return undefined;
  }
};

/** Documented refusals with a 5xx status, where the requested resource does not exist yet. */
const PROMISED: ReadonlySet<string> = new Set(['MR_POSITION_NOT_REACHED', 'MR_VIEW_NOT_READY']);

/** What Iceberg's protocol promises; the message ends with our code. */
const icebergProblemOf = (status: number, error: unknown): string | null => {
  const { message, type, code } = error as { message?: unknown; type?: unknown; code?: unknown };
  if (code !== status || typeof type !== 'string') return 'no refusal that Iceberg knows';
  const [, own = ''] = /\((MR_\w+)\)$/.exec(String(message)) ?? [];
  return own in ERRORS ? null : 'no known code in a refusal of the Iceberg catalog';
};

const problemOf = (route: Route, answer: Answered): string | null => {
  const { status } = answer;
  if (status < 400) return status >= 200 ? null : `status ${status}`;
  const body = jsonOf(answer);
  const { code, message, details } = (body ?? {}) as {
    code?: unknown;
    message?: unknown;
    details?: unknown;
  };
  if (status >= 500 && !PROMISED.has(String(code))) return `status ${status}`;
  if (typeof code === 'string' && typeof message === 'string') {
    if (!(code in ERRORS)) return `unknown code ${code}`;
    if (ERRORS[code as ErrorCode].status !== status) return `status ${status} with ${code}`;
    if (message.length > 5_000) return `a message of ${message.length} characters`;
    return typeof details === 'object' && details !== null ? null : 'no details';
  }
  if (route.path.startsWith('/iceberg/') && 'error' in Object(body))
    return icebergProblemOf(status, (body as { error: unknown }).error);
  if (!route.feast) return 'a refusal in no promised form';
  if (status === 422 && Array.isArray((body as { detail?: unknown }).detail)) return null;
  return typeof body === 'string' && typeof JSON.parse(body).class === 'string'
    ? null
    : 'a refusal in no form that Feast knows';
};

const shown = ({ method, path, headers, body }: Sent): string =>
  `${method} ${path.slice(0, 200)} ${JSON.stringify(headers).slice(0, 200)} ${body === null ? '' : body.toString('latin1').slice(0, 300)}`;

test(`${RUNS} broken requests to each route get a documented answer, seed ${SEED}`, async () => {
  const failures: string[] = [];
  const statuses = new Map<number, number>();
  for (const [index, route] of routes.entries()) {
    const random = randomOf(SEED * 1000 + index);
    const requests = Array.from({ length: RUNS }, () => requestOf(route, random));
    // A few at once, so that a half-done request would disturb another.
    for (let i = 0; i < requests.length; i += 4) {
      await Promise.all(
        requests.slice(i, i + 4).map(async (sent) => {
          const internal = hostile.internal.length;
          try {
            const answer = await send(hostile.http.url, sent);
            statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
            const problem = problemOf(route, answer);
            if (problem !== null)
              failures.push(
                `${problem}: ${answer.body.toString('utf8').slice(0, 200)}\n  of ${shown(sent)}\n  ${hostile.internal.slice(internal).join('\n')}`,
              );
          } catch (error) {
            failures.push(`${String(error)}\n  of ${shown(sent)}`);
          }
        }),
      );
    }
  }
  expect(failures.slice(0, SHOWN).join('\n\n'), `${failures.length} failures, seed ${SEED}`).toBe(
    '',
  );
  expect(hostile.internal, `seed ${SEED}`).toEqual([]);
  expect(
    statuses.get(200) ?? 0,
    'some requests must be valid, or nothing was tested',
  ).toBeGreaterThan(20);
  expect(statuses.get(400) ?? 0).toBeGreaterThan(20);
});

test('afterwards every accepted event is there once, also after a restart; the audit log verifies; reads are correct', async () => {
  const { platform, running } = hostile;
  const answer = await call(hostile.http.url, '/v1/sources/sales/events', {
    body: { events: [sale('after', { shop: 'after', amount: 7 })] },
  });
  const { position } = answer.body as { position: string };
  const read = await platform.serving.read({
    features: ['turnover:sales', 'turnover:amount_avg'],
    entities: [{ shop: 'after' }],
    after: position,
  });
  expect(read.values).toEqual([[1, 7]]);
  const accepted = hostile.accepted();
  expect(await eventsEverywhere(platform, running.files)).toEqual({
    log: accepted,
    exported: accepted,
    counted: accepted,
  });
  expect(await platform.audit.verify()).toMatchObject({ ok: true });
  const again = await running.restart();
  expect(await eventsEverywhere(again, running.files)).toEqual({
    log: accepted,
    exported: accepted,
    counted: accepted,
  });
});
