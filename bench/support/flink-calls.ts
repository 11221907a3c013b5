/**
 * Notes what this process asks of Flink's SQL Gateway and JobManager, and how long each statement
 * and each stop of a job took.
 */
import type { StackAddresses } from '#infra/stack/addresses.ts';

interface Noted {
  readonly at: number;
  readonly what: string;
  readonly session: string;
  ms: number | null;
}

interface FlinkCalls {
  readonly lines: () => readonly string[];
  readonly end: () => void;
}

const short = (statement: string): string => statement.replaceAll(/\s+/g, ' ').slice(0, 90);

export const flinkCalls = ({
  sqlGateway,
  flink,
}: Pick<StackAddresses, 'sqlGateway' | 'flink'>): FlinkCalls => {
  const original = globalThis.fetch;
  const started = performance.now();
  const now = (): number => performance.now() - started;
  const noted: Noted[] = [];
  const open = new Map<string, Noted>();

  const note = (what: string, session: string): Noted => {
    const one: Noted = { at: now(), what, session, ms: null };
    noted.push(one);
    return one;
  };

  globalThis.fetch = async (input, init) => {
    const url = String(input);
    const method = init?.method ?? 'GET';
    const body =
      typeof init?.body === 'string'
        ? (JSON.parse(init.body) as {
            statement?: string;
            properties?: Readonly<Record<string, string>>;
          })
        : {};
    const session = /\/v1\/sessions\/([^/]+)/.exec(url)?.[1]?.slice(0, 4) ?? '';
    const result = /\/operations\/([^/]+)\/result\//.exec(url)?.[1];
    const stop = url.startsWith(flink) && url.endsWith('/stop');
    const one = url.startsWith(sqlGateway)
      ? body.statement !== undefined
        ? note(short(body.statement), session)
        : method === 'POST'
          ? note(`session ${body.properties?.['pipeline.name'] ?? ''}`, '')
          : null
      : stop
        ? note('stop with a savepoint', '')
        : null;
    const response = await original(input, init);
    const text = await response.clone().text();
    if (one !== null) {
      one.ms = now() - one.at;
      const handle = /"(?:operationHandle|request-id)":"([^"]+)"/.exec(text)?.[1];
      if (handle !== undefined) open.set(handle, one);
    }
    const ends = result !== undefined && /"resultType":"EOS"/.test(text);
    const savepoint = /\/savepoints\/([^/]+)$/.exec(url)?.[1];
    const stopped = savepoint !== undefined && /"id":"COMPLETED"/.test(text);
    const handle = ends ? result : stopped ? savepoint : undefined;
    const ended = handle === undefined ? undefined : open.get(handle);
    if (ended !== undefined) ended.ms = now() - ended.at;
    return response;
  };

  return {
    lines: () =>
      noted
        .filter(({ ms }) => ms === null || ms >= 20)
        .map(
          ({ at, what, session, ms }) =>
            `${(at / 1000).toFixed(2)} s  ${ms === null ? '?' : ms.toFixed(0)} ms  ${session}  ${what}`,
        ),
    end() {
      globalThis.fetch = original;
    },
  };
};
