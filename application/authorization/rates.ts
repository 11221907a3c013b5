/**
 * Rate limits and quotas: a token bucket for each principal's requests, and daily counts of events
 * and rows. Both are numbers in memory, so no request waits for them. The daily counts are added to
 * a counter behind a port every second; where gateways share it, a quota is exceeded at most by
 * what all of them accept in that time.
 */
import type { Principal } from '#domain/authorization/principal.ts';
import { fail, MillraceError } from '#domain/errors.ts';
import type { UsageCounter } from '#domain/ports/usage-counter.ts';
import { tokenBuckets } from './token-buckets.ts';

interface RatesDependencies {
  readonly now: () => number;
  readonly counter: UsageCounter;
  readonly warn: (message: string) => void;
  readonly settleMs?: number;
}

export interface Rates {
  /** @throws MR_RATE_LIMITED */
  readonly request: (principal: Principal) => void;
  /** @throws MR_QUOTA_EXCEEDED */
  readonly events: (principal: Principal, count: number) => void;
  readonly rows: (principal: Principal, count: number) => void;
  /** Counts rows whose number was not known before: only the next request is refused. */
  readonly rowsGiven: (principal: Principal, count: number) => void;
  /** Adds the counts to the shared counter now. */
  readonly settle: () => Promise<void>;
  readonly close: () => Promise<void>;
}

type Quota = 'events' | 'rows';

/** The use of one principal on one day: `settled` of all gateways, `own` of this one since then. */
interface Usage {
  readonly id: string;
  readonly day: number;
  settled: number;
  own: number;
}

const DAY_MS = 86_400_000;
const SETTLE_MS = 1_000;
const LIMIT: Readonly<Record<Quota, 'eventsPerDay' | 'rowsPerDay'>> = {
  events: 'eventsPerDay',
  rows: 'rowsPerDay',
};

export const createRates = ({
  now,
  counter,
  warn,
  settleMs = SETTLE_MS,
}: RatesDependencies): Rates => {
  const buckets = tokenBuckets();
  const usages = new Map<string, Usage>();
  let timer: NodeJS.Timeout | null = null;

  const settle = async (): Promise<void> => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const today = Math.floor(now() / DAY_MS);
    for (const [key, usage] of usages) {
      if (usage.day !== today && usage.own === 0) usages.delete(key);
      const { own } = usage;
      if (own === 0) continue;
      try {
        const total = await counter.add(usage.id, usage.day, own);
        usage.own -= own;
        usage.settled = total;
      } catch (error) {
        warn(`the use of a key could not be added to the count of all gateways: ${String(error)}`);
      }
    }
  };

  const use = (principal: Principal, quota: Quota, count: number, given = false): void => {
    const limit = principal.limits[LIMIT[quota]];
    if (limit === undefined || count === 0) return;
    const time = now();
    const day = Math.floor(time / DAY_MS);
    const id = `${principal.id}/${quota}`;
    let usage = usages.get(id);
    if (usage?.day !== day) {
      usage = { id, day, settled: 0, own: 0 };
      usages.set(id, usage);
    }
    timer ??= setTimeout(() => void settle(), settleMs).unref();
    const used = usage.settled + usage.own;
    if (!given && used + count > limit) {
      throw new MillraceError(
        'MR_QUOTA_EXCEEDED',
        `"${principal.actor}" may ${quota === 'events' ? 'publish' : 'read'} ${limit} ${quota} a day (UTC): ${used} are used, and this request has ${count}`,
        { quota: LIMIT[quota], limit, used, asked: count, retryAfterMs: (day + 1) * DAY_MS - time },
      );
    }
    usage.own += count;
  };

  return {
    request(principal) {
      const { requestsPerSecond: rate, burst = rate } = principal.limits;
      if (rate === undefined || burst === undefined) return;
      const retryAfterMs = buckets.take(principal.id, rate, burst, now());
      if (retryAfterMs > 0)
        fail(
          'MR_RATE_LIMITED',
          `"${principal.actor}" sends more than its ${rate} requests a second`,
          {
            limit: rate,
            retryAfterMs,
          },
        );
    },
    events: (principal, count) => use(principal, 'events', count),
    rows: (principal, count) => use(principal, 'rows', count),
    rowsGiven: (principal, count) => use(principal, 'rows', count, true),
    settle,
    async close() {
      await settle();
    },
  };
};
