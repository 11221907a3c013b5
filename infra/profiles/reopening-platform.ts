/**
 * A platform that can be closed for some work and opened again, while gateways hold it. Calls go to
 * the platform that is open; while none is, they are refused with MR_MAINTENANCE. What gateways got
 * of a platform before, such as `access`, is made anew of each one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Access, Areas, Platform } from '#domain/api/platform.ts';
import { messageOf } from '#domain/error-message.ts';
import { fail } from '#domain/errors.ts';
import type { AccessOptions } from '#domain/ports/access.ts';
import type { AccessLog } from '#domain/ports/access-log.ts';
import type { RequestMeters } from '#domain/ports/request-meter.ts';

interface ReopeningOptions {
  readonly open: () => Promise<Platform>;
  readonly warn: (message: string) => void;
}

interface Reopening {
  readonly platform: Platform;
  /** Closes the platform for the work, then opens it; called meanwhile, it does the work again. */
  readonly closeFor: (work: (onStep: (step: string) => void) => Promise<void>) => void;
}

/** How long requests in flight may take to end; then they fail. */
const DRAIN_MS = 10_000;
const REOPEN_MS = 2_000;
const RETRY_AFTER_MS = 1_000;

const AREAS = {
  publishing: true,
  serving: true,
  registry: true,
  datasets: true,
  sql: true,
  replays: true,
  audit: true,
  approvals: true,
  erasures: true,
  keys: true,
  operations: true,
  tables: true,
} as const satisfies Readonly<Record<keyof Areas, true>>;

type Method = (...args: readonly unknown[]) => unknown;
type Pieces = AsyncIterable<unknown>;

const isPieces = (value: unknown): value is Pieces =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

export const reopeningPlatform = async ({ open, warn }: ReopeningOptions): Promise<Reopening> => {
  /** null: closed, so that what it has in memory can be freed */
  let present: Platform | null = await open();
  /** counts the platforms that were opened */
  let epoch = 0;
  /** what is done while no platform is open */
  let step: string | null = null;
  let inFlight = 0;
  let onDrained: (() => void) | null = null;
  let working: Promise<void> | null = null;
  let again = false;
  let closing: Promise<void> | null = null;
  const onOpened: (() => void)[] = [];
  /** Each forgets what it has of the platform that is closed. */
  const onClosed: (() => void)[] = [];
  const logs: Pick<AccessLog, 'close'>[] = [];

  const assertOpen = (): void => {
    if (step !== null)
      fail('MR_MAINTENANCE', `an erasure runs (${step}): try again when it has ended`, {
        step,
        retryAfterMs: RETRY_AFTER_MS,
      });
  };
  const opened = (): Platform =>
    present ??
    fail('MR_MAINTENANCE', 'an erasure runs: try again when it has ended', {
      step: step ?? 'opening',
      retryAfterMs: RETRY_AFTER_MS,
    });
  const closePresent = async (): Promise<void> => {
    await present?.close();
    present = null;
    for (const forget of onClosed) forget();
  };
  const ended = (): void => {
    inFlight--;
    if (inFlight === 0) onDrained?.();
  };
  /** An answer in pieces ends with the platform that it is from. */
  async function* untilClosed(pieces: Pieces, from: number): Pieces {
    for await (const piece of pieces) {
      yield piece;
      assertOpen();
      if (from !== epoch) fail('MR_MAINTENANCE', 'an erasure has ended this answer: ask again');
    }
  }
  const call = (method: Method, args: readonly unknown[]): unknown => {
    assertOpen();
    const result = method(...args);
    if (!(result instanceof Promise)) return result;
    inFlight++;
    void result.then(ended, ended);
    return result;
  };
  const delegating = (areasOf: () => Areas): Areas => {
    const area = <N extends keyof Areas>(name: N): Areas[N] =>
      Object.fromEntries(
        Object.keys(areasOf()[name]).map((method) => [
          method,
          (...args: readonly unknown[]) =>
            call((areasOf()[name] as unknown as Record<string, Method>)[method] as Method, args),
        ]),
      ) as unknown as Areas[N];
    const areas = Object.fromEntries(
      (Object.keys(AREAS) as (keyof Areas)[]).map((name) => [name, area(name)]),
    ) as unknown as Areas;
    const { publishing, operations } = areas;
    return {
      ...areas,
      publishing: {
        ...publishing,
        async exportEvents(...args) {
          const from = epoch;
          const pieces = await publishing.exportEvents(...args);
          return isPieces(pieces) ? (untilClosed(pieces, from) as typeof pieces) : pieces;
        },
      },
      operations: {
        ...operations,
        ready: () => step === null && present !== null && areasOf().operations.ready(),
        degraded: () => (step === null && present !== null ? areasOf().operations.degraded() : []),
      },
    };
  };

  const access = (options: AccessOptions): Access => {
    const { accessLog } = options;
    // Each platform closes what it was given, and this log is of all of them.
    const ofEach: AccessOptions =
      accessLog === undefined
        ? options
        : { ...options, accessLog: { ...accessLog, log: { ...accessLog.log, async close() {} } } };
    let given: Access | null = opened().access(ofEach);
    let required = given.authenticationRequired();
    const { openMetrics } = given;
    if (accessLog !== undefined) logs.push(accessLog.log);
    onOpened.push(() => {
      given = opened().access(ofEach);
    });
    onClosed.push(() => {
      required = given?.authenticationRequired() ?? required;
      given = null;
    });
    const access = (): Access => given ?? opened().access(ofEach);
    return {
      platform: {
        ...platform,
        ...delegating(() => access().platform),
        access: (inner) => access().platform.access(inner),
      },
      openMetrics,
      authenticationRequired: () => given?.authenticationRequired() ?? required,
      authenticate(credentials) {
        assertOpen();
        return access().authenticate(credentials);
      },
      refused(refusal) {
        if (step === null) given?.refused(refusal);
      },
      async close() {
        await given?.close();
        await accessLog?.log.close();
      },
    };
  };

  /** Meters are bound once for each route, so each is bound again after the platform is. */
  const requests: RequestMeters = {
    route(protocol, route) {
      const unbound: ReturnType<RequestMeters['route']> = () => {};
      const bind = () => present?.requests?.route(protocol, route) ?? unbound;
      let meter = bind();
      onClosed.push(() => {
        meter = unbound;
      });
      onOpened.push(() => {
        meter = bind();
      });
      return (...measured) => meter(...measured);
    },
  };

  const drained = async (): Promise<void> => {
    if (inFlight === 0) return;
    const timer = new AbortController();
    await Promise.race([
      new Promise<void>((resolve) => {
        onDrained = resolve;
      }),
      sleep(DRAIN_MS, undefined, { signal: timer.signal }),
    ]);
    timer.abort();
    onDrained = null;
  };

  const reopen = async (): Promise<void> => {
    for (;;)
      try {
        present = await open();
        epoch++;
        for (const rebind of onOpened) rebind();
        return;
      } catch (error) {
        warn(`the platform could not be opened again, and will be tried: ${messageOf(error)}`);
        step = 'opening';
        await sleep(REOPEN_MS);
        if (closing !== null) return;
      }
  };

  const doWork = async (work: Parameters<Reopening['closeFor']>[0]): Promise<void> => {
    do {
      step = 'requests in flight';
      await drained();
      await closePresent();
      again = false;
      await work((next) => {
        step = next;
      }).catch((error: unknown) => warn(`an erasure could not be begun: ${messageOf(error)}`));
      step = 'opening';
      await reopen();
    } while (again && closing === null);
    step = null;
  };

  const close = async (): Promise<void> => {
    await working;
    await present?.close();
    for (const one of logs) await one.close();
  };
  const platform: Platform = {
    ...delegating(opened),
    ...(present.tracing === undefined ? {} : { tracing: present.tracing }),
    ...(present.requests === undefined ? {} : { requests }),
    access,
    close() {
      closing ??= close();
      return closing;
    },
  };
  return {
    platform,
    closeFor(work) {
      if (working !== null) {
        again = true;
        return;
      }
      working = doWork(work).finally(() => {
        working = null;
      });
    },
  };
};
