/**
 * Flink's SQL Gateway by its REST interface: sessions in which statements run one after the other.
 * A statement that fails is MR_ENGINE_FAILED with the root cause of Flink's message; a gateway that
 * does not answer is MR_ENGINE_UNAVAILABLE.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fail, hasCode, MillraceError } from '#domain/errors.ts';
import { callFlink } from './call-flink.ts';

export interface SqlSession {
  /** of the session in the REST interface, for requests of one's own */
  readonly path: string;
  /**
   * Runs a statement to its end and returns its rows, each value as text. A streaming INSERT ends
   * when its job is submitted.
   */
  readonly run: (statement: string) => Promise<readonly (readonly string[])[]>;
  /** The id of the job that an INSERT or a statement set started. */
  readonly submit: (statement: string) => Promise<string>;
  readonly close: () => Promise<void>;
}

interface OperationResult {
  readonly resultType: 'NOT_READY' | 'PAYLOAD' | 'EOS';
  readonly results?: { readonly data: readonly { readonly fields: readonly unknown[] }[] };
  readonly nextResultUri?: string;
  readonly jobID?: string;
}

const POLL_MS = 25;

/** The last cause that is not a stack frame. */
const rootCause = (messages: readonly string[]): string => {
  const lines = messages.join('\n').split('\n');
  const causes = lines.filter((line) => line.startsWith('Caused by: '));
  return (
    causes.at(-1) ??
    lines.find((line) => line.trim() !== '' && !line.startsWith('<')) ??
    'no reason given'
  )
    .replace(/^Caused by: /, '')
    .slice(0, 2000);
};

/**
 * The text of the gateway's answer to one request.
 * @throws MR_ENGINE_FAILED with the root cause; MR_ENGINE_UNAVAILABLE
 */
export const callGateway = async (
  gateway: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<string> => {
  const response = await callFlink('SQL Gateway', gateway, { method, path, body });
  const text = await response.text();
  if (response.ok) return text;
  let errors: readonly string[] = [text];
  try {
    ({ errors } = JSON.parse(text) as { errors: readonly string[] });
  } catch {
    // Not the gateway itself, but a proxy before it.
  }
  throw new MillraceError('MR_ENGINE_FAILED', `Flink refused: ${rootCause(errors ?? [])}`);
};

export const openSession = async (
  gateway: string,
  properties: Readonly<Record<string, string>> = {},
): Promise<SqlSession> => {
  const call = async (method: string, path: string, body?: unknown): Promise<unknown> =>
    JSON.parse(await callGateway(gateway, method, path, body));

  const { sessionHandle } = (await call('POST', '/v1/sessions', { properties })) as {
    sessionHandle: string;
  };
  const session = `/v1/sessions/${sessionHandle}`;

  const execute = async (statement: string): Promise<{ rows: string[][]; job: string | null }> => {
    const { operationHandle } = (await call('POST', `${session}/statements`, { statement })) as {
      operationHandle: string;
    };
    const rows: string[][] = [];
    let job: string | null = null;
    let next = `${session}/operations/${operationHandle}/result/0`;
    try {
      for (;;) {
        const page = (await call('GET', next)) as OperationResult;
        if (page.jobID !== undefined) job = page.jobID;
        for (const row of page.results?.data ?? [])
          rows.push(row.fields.map((field) => String(field)));
        if (page.resultType === 'EOS') return { rows, job };
        if (page.resultType === 'NOT_READY') await sleep(POLL_MS);
        next = page.nextResultUri ?? next;
      }
    } catch (error) {
      if (hasCode(error, 'MR_ENGINE_FAILED'))
        throw new MillraceError(
          'MR_ENGINE_FAILED',
          `${error.message}; the statement was: ${statement.slice(0, 4000)}`,
        );
      throw error;
    }
  };

  return {
    path: session,
    run: async (statement) => (await execute(statement)).rows,
    async submit(statement) {
      const { job, rows } = await execute(statement);
      return (
        job ??
        rows[0]?.[0] ??
        fail('MR_ENGINE_FAILED', `Flink started no job for: ${statement.slice(0, 500)}`)
      );
    },
    async close() {
      await call('DELETE', session).catch(() => {});
    },
  };
};
