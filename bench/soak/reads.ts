/** Every way to read, with the check of its answers. */
import type { Client } from 'millrace/client';
import type { FeatureServiceDefinition } from '#domain/definitions/model.ts';
import { Wrong } from './errors.ts';
import type { Http } from './http.ts';
import type { Acknowledged } from './publishing.ts';
import { nameOf, type Truth, totals, USERS } from './world.ts';

type Row = Readonly<Record<string, unknown>>;
/** How fresh the answer claims to be. */
interface Fresh {
  readonly views: readonly { readonly completeThrough: number | null }[];
}
interface Answer extends Fresh {
  readonly rows: readonly Row[];
  readonly at: number;
}

interface Reading {
  readonly http: Http;
  readonly grpc: readonly Client[];
  readonly truth: Truth;
  readonly newest: () => Acknowledged | null;
  readonly atOnce: boolean;
  readonly random: () => number;
}

interface ReadKind {
  readonly name: string;
  /** per second */
  readonly rate: number;
  readonly run: (reading: Reading) => Promise<void>;
}

const FEATURES = ['totals:events', 'totals:total', 'totals:newest'];
/** Two processes read the clocks of one machine. */
const CLOCK_MS = 20;
const numberOf = (value: unknown): number => (value === null ? 0 : Number(value));

const someUsers = ({ random }: Reading, n: number): number[] =>
  Array.from({ length: n }, () => Math.floor(random() * USERS));
const entitiesOf = (users: readonly number[]): { user: string }[] =>
  users.map((user) => ({ user: nameOf(user) }));

const between = (what: string, user: number, n: number, least: number, most: number): void => {
  if (!(n >= least && n <= most))
    throw new Wrong(`${what} of ${nameOf(user)} is ${n}: from ${least} to ${most} were possible`);
};

/** A row's three numbers are the same, within the bounds of what was possible. */
const checkRow = (user: number, row: Row, least: number, most: number, answer: Fresh): void => {
  const n = numberOf(row.events);
  between('the count', user, n, least, most);
  if (numberOf(row.total) === n && numberOf(row.newest) === n) return;
  const { rows: _, ...rest } = answer as Fresh & { readonly rows?: unknown };
  throw new Wrong(
    `the row of ${nameOf(user)} is torn: ${JSON.stringify(row)}, from ${least} to ${most} were possible; the answer says ${JSON.stringify(rest)}`,
  );
};

/**
 * For an answer: the events of each user that had been acknowledged by the time through which all
 * its views are complete.
 */
const promised = ({ truth }: Reading, user: number, { views }: Fresh): number => {
  const completeThrough = Math.min(...views.map((view) => view.completeThrough ?? 0));
  return views.length === 0 ? 0 : truth.acked(user, completeThrough);
};

interface ReadAnswer extends Fresh {
  readonly rows: readonly Row[];
}

/**
 * Reads, and checks each user's row: it has the events that had been acknowledged before (where the
 * profile promises that at once), those up to the time through which the answer is complete, and
 * none that had not been sent by the end of the read.
 */
const checked = async (
  reading: Reading,
  users: readonly number[],
  ask: () => Promise<ReadAnswer>,
  atLeast: (user: number) => number = reading.atOnce ? reading.truth.acked : () => 0,
): Promise<void> => {
  const { truth } = reading;
  const least = users.map((user) => atLeast(user));
  const answer = await ask();
  const { rows } = answer;
  if (rows.length !== users.length)
    throw new Wrong(`${rows.length} rows for ${users.length} entities`);
  rows.forEach((row, i) => {
    const user = users[i] as number;
    checkRow(
      user,
      row,
      Math.max(least[i] as number, promised(reading, user, answer)),
      truth.issued(user),
      answer,
    );
  });
};

const features =
  (n: number) =>
  async (reading: Reading): Promise<void> => {
    const users = someUsers(reading, n);
    const body = { features: FEATURES, entities: entitiesOf(users) };
    await checked(reading, users, () => reading.http.post<Answer>('/v1/features', body));
  };

const service = async (reading: Reading): Promise<void> => {
  const users = someUsers(reading, 5);
  await checked(reading, users, async () => {
    const answer = await reading.http.post<Answer>('/v1/features', {
      service: 'soak',
      entities: entitiesOf(users),
    });
    for (const row of answer.rows)
      if (numberOf(row.twice) !== 2 * numberOf(row.total))
        throw new Wrong(`an on-demand feature is off: ${JSON.stringify(row)}`);
    return answer;
  });
};

/**
 * The view that is revised, replayed, promoted and rolled back all the time: the meaning of its
 * counts does not change.
 */
const changing = async (reading: Reading): Promise<void> => {
  const { http, truth, atOnce } = reading;
  const users = someUsers(reading, 5);
  const least = users.map((user) => (atOnce ? truth.acked(user) : 0));
  const answer = await http.post<Answer>('/v1/features', {
    features: ['evolving:events'],
    entities: entitiesOf(users),
  });
  answer.rows.forEach((row, i) => {
    const user = users[i] as number;
    const most = truth.issued(user);
    between(
      'the count (evolving)',
      user,
      numberOf(row.events),
      Math.max(least[i] as number, promised(reading, user, answer)),
      most,
    );
  });
};

const after = async (reading: Reading): Promise<void> => {
  const acknowledged = reading.newest();
  if (acknowledged === null) return;
  const highest = new Map<number, number>();
  for (const { user, k } of acknowledged.ticks) {
    const index = Number(user.slice(1));
    highest.set(index, Math.max(k, highest.get(index) ?? 0));
  }
  const users = [...highest.keys()];
  const body = { features: FEATURES, entities: entitiesOf(users), after: acknowledged.position };
  const before = (user: number): number => (reading.atOnce ? reading.truth.acked(user) : 0);
  const ask = (): Promise<Answer> => reading.http.post<Answer>('/v1/features', body);
  await checked(reading, users, ask, (user) => Math.max(highest.get(user) as number, before(user)));
};

const past = async ({ http, truth, ...reading }: Reading): Promise<void> => {
  const users = someUsers({ http, truth, ...reading }, 2);
  const at = Date.now() - 2_000 - Math.floor(reading.random() * 60_000);
  const body = { features: FEATURES, entities: entitiesOf(users), at, known: at };
  const { rows } = await http.post<Answer>('/v1/features', body);
  rows.forEach((row, i) => {
    const user = users[i] as number;
    const least = truth.within('acked', user, 0, at, at - CLOCK_MS);
    between(
      'the count, as known then,',
      user,
      numberOf(row.events),
      least,
      truth.within('issued', user, 0, at, at + CLOCK_MS),
    );
  });
};

const explain = async (reading: Reading): Promise<void> => {
  const { http, truth, atOnce } = reading;
  const [user] = someUsers(reading, 1) as [number];
  const least = atOnce ? truth.acked(user) : 0;
  const answer = await http.get<{ value: unknown; matches: boolean; recomputed: unknown }>(
    `/v1/explain?view=totals&feature=events&entity.user=${nameOf(user)}`,
  );
  // Where the computation follows the log, some events may not be in the value yet.
  if (!answer.matches && (atOnce || !(numberOf(answer.value) < numberOf(answer.recomputed))))
    throw new Wrong(`the value ${answer.value} is not what its events make: ${answer.recomputed}`);
  between('the count, explained,', user, numberOf(answer.value), least, truth.issued(user));
};

const feast = async (reading: Reading): Promise<void> => {
  const users = someUsers(reading, 3);
  await checked(reading, users, async () => {
    const entities = { user: users.map(nameOf) };
    const answer = await reading.http.post<{ results: { values: unknown[] }[] }>(
      '/get-online-features',
      {
        features: FEATURES,
        entities,
      },
    );
    const column = (i: number, row: number): unknown => answer.results[i]?.values[row];
    const rows = users.map((_, row) => ({
      events: column(1, row),
      total: column(2, row),
      newest: column(3, row),
    }));
    return { rows, views: [] };
  });
};

let turn = 0;
const grpc = async (reading: Reading): Promise<void> => {
  const users = someUsers(reading, 3);
  const client = reading.grpc[turn++ % reading.grpc.length] as Client;
  await checked(reading, users, () => client.view(totals, entitiesOf(users)));
};
const grpcService = async (reading: Reading): Promise<void> => {
  const users = someUsers(reading, 3);
  const client = reading.grpc[turn++ % reading.grpc.length] as Client;
  const soak = 'soak' satisfies FeatureServiceDefinition['name'];
  await checked(reading, users, () => client.service(soak, entitiesOf(users)));
};

export const READS: readonly ReadKind[] = [
  { name: 'one entity', rate: 30, run: features(1) },
  { name: '100 entities', rate: 3, run: features(100) },
  { name: 'service', rate: 10, run: service },
  { name: 'after', rate: 5, run: after },
  { name: 'evolving', rate: 10, run: changing },
  { name: 'past', rate: 1, run: past },
  { name: 'explain', rate: 1, run: explain },
  { name: 'feast', rate: 10, run: feast },
  { name: 'grpc', rate: 15, run: grpc },
  { name: 'grpc service', rate: 5, run: grpcService },
];
