/**
 * What the soak publishes and reads, and the record of it. A user's events are numbered 1, 2, 3 …,
 * each adds 1 to a sum, and they are published in order. So in every row of every answer, at any
 * time, the count, the sum and the highest number are the same n. n is at least the number of
 * events acknowledged when the read was sent, and at most the number sent when the answer came.
 */
import {
  col,
  count,
  entity,
  type FeatureDefinition,
  type FeatureView,
  featureService,
  featureView,
  max,
  onDemandFeature,
  source,
  sum,
} from 'millrace';

export const USERS = 200;
const MINUTE = 60_000;
export const WINDOW_MS = 2 * MINUTE;
export const HOP_MS = 10_000;
const LATEST_MS = 20_000;

const user = entity({ name: 'user', keys: { user: 'string' } });
const ticks = source({
  name: 'ticks',
  fields: { id: 'string', user: 'string', at: 'timestamp', k: 'long', one: 'double' },
  eventTime: 'at',
  eventId: 'id',
  dedupeWindow: '1m',
});
export const totals = featureView({
  name: 'totals',
  entity: user,
  source: ticks,
  features: { events: count(), total: sum(col('one')), newest: max(col('k')) },
});
const recent = featureView({
  name: 'recent',
  entity: user,
  source: ticks,
  features: {
    events_2m: count({ window: '2m', hop: '10s' }),
    total_2m: sum(col('one'), { window: '2m', hop: '10s' }),
  },
});
/** Revised repeatedly: `events` stays, the other features come and go. */
export const evolving = (variant: number): FeatureView => {
  const features: Record<string, FeatureDefinition> = {
    events: count(),
    ...(variant % 2 === 0 ? {} : { newest: max(col('k')) }),
    ...(variant % 4 < 2 ? {} : { total: sum(col('one')) }),
  };
  return featureView({ name: 'evolving', entity: user, source: ticks, features });
};
const twice = onDemandFeature({
  name: 'twice',
  type: 'double',
  inputs: { total: totals.feature('total') },
  value: ({ total }) => total.times(2),
});
const service = featureService({
  name: 'soak',
  features: [totals.pick('events', 'total', 'newest'), twice],
});

export const definitions = [user, ticks, totals, recent, evolving(0), twice, service];

export interface Tick {
  readonly id: string;
  readonly user: string;
  readonly at: number;
  readonly k: number;
  readonly one: 1;
}

interface Known {
  /** by event of the user, in order */
  readonly at: number[];
  readonly issued: number[];
  readonly acked: number[];
}

export interface Truth {
  /** `n` events of users `u` with u ≡ share (mod shares), sent now */
  readonly draw: (share: number, shares: number, n: number) => readonly Tick[];
  readonly acknowledge: (ticks: readonly Tick[]) => void;
  /** events of a user that were acknowledged, or sent, by a time */
  readonly acked: (user: number, by?: number) => number;
  readonly issued: (user: number, by?: number) => number;
  /** of the events acknowledged (sent) by `by`: those with event times in [from, to] */
  readonly within: (
    which: 'acked' | 'issued',
    user: number,
    from: number,
    to: number,
    by?: number,
  ) => number;
  readonly total: () => number;
}

/** How many numbers of an ascending list are at most `x`. */
const upTo = (list: readonly number[], x: number): number => {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] as number) <= x) low = middle + 1;
    else high = middle;
  }
  return low;
};

export const nameOf = (user: number): string => `u${user}`;

export const createTruth = (): Truth => {
  const users = Array.from({ length: USERS }, (): Known => ({ at: [], issued: [], acked: [] }));
  const of = (user: number): Known => users[user] as Known;
  let drawn = 0;
  return {
    draw(share, shares, n) {
      const now = Date.now();
      return Array.from({ length: n }, (): Tick => {
        const index = Math.floor((drawn * 7919) % (USERS / shares)) * shares + share;
        const known = of(index);
        drawn++;
        const at = now - ((drawn * 104_729) % LATEST_MS);
        known.at.push(at);
        known.issued.push(now);
        const k = known.at.length;
        return { id: `${index}-${k}`, user: nameOf(index), at, k, one: 1 };
      });
    },
    acknowledge(acknowledged) {
      const now = Date.now();
      for (const { user } of acknowledged) of(Number(user.slice(1))).acked.push(now);
    },
    acked: (user, by = Number.POSITIVE_INFINITY) => upTo(of(user).acked, by),
    issued: (user, by = Number.POSITIVE_INFINITY) => upTo(of(user).issued, by),
    within(which, user, from, to, by = Number.POSITIVE_INFINITY) {
      const known = of(user);
      const end = upTo(known[which], by);
      let found = 0;
      for (let i = 0; i < end; i++)
        if ((known.at[i] as number) >= from && (known.at[i] as number) <= to) found++;
      return found;
    },
    total: () => users.reduce((all, known) => all + known.issued.length, 0),
  };
};
