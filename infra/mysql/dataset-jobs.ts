/** Data sets and their states in MySQL, for all gateways. Heartbeats go by the server's clock. */
import {
  type DatasetJob,
  type DatasetJobs,
  type FoundDatasetJob,
  KEPT_DATASETS,
} from '#domain/ports/dataset-jobs.ts';
import type { MysqlDatabase } from './database.ts';
import { numberOf } from './errors.ts';

interface JobRow {
  readonly id: string;
  readonly progress: number;
  readonly stage: string;
  readonly quiet: number;
  readonly job: string;
}

const DUPLICATE_KEY = 1062;
const NOW = 'CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)';
const COLUMNS = `id, progress, stage, ${NOW} - heartbeat AS quiet, job`;
/** Rows that one end removes at most, so that its transaction stays short. */
const PRUNED = 100;

const found = ({ job: text, progress, stage, quiet }: JobRow): FoundDatasetJob => {
  const job = JSON.parse(text) as DatasetJob;
  return {
    job: { ...job, status: { ...job.status, progress: Number(progress), stage } },
    quietMs: Math.max(0, Number(quiet)),
  };
};

export const mysqlDatasetJobs = (
  database: Pick<MysqlDatabase, 'transaction' | 'rows'>,
  kept = KEPT_DATASETS,
): DatasetJobs => {
  const rows = async (rest: string): Promise<readonly FoundDatasetJob[]> =>
    (await database.rows<JobRow>(`SELECT ${COLUMNS} FROM dataset_job ${rest}`)).map(found);
  return {
    shared: true,
    async begin(job) {
      const { id, startedAt, progress, stage } = job.status;
      try {
        await database.transaction(({ run }) =>
          run(
            `INSERT INTO dataset_job (id, state, started, gateway, heartbeat, progress, stage, job)
             VALUES (?, 'running', ?, ?, ${NOW}, ?, ?, ?)`,
            [id, startedAt, job.gateway, progress, stage, JSON.stringify(job)],
          ),
        );
        return true;
      } catch (error) {
        if (numberOf(error) === DUPLICATE_KEY) return false;
        throw error;
      }
    },
    async find(id) {
      const [row] = await database.rows<JobRow>(`SELECT ${COLUMNS} FROM dataset_job WHERE id = ?`, [
        id,
      ]);
      // To MySQL, texts that differ in trailing spaces are equal.
      return row === undefined || row.id !== id ? null : found(row);
    },
    running: () => rows("WHERE state = 'running'"),
    newest: (limit) => rows(`ORDER BY started DESC, id DESC LIMIT ${Math.trunc(limit)}`),
    wishCancel: (id) =>
      database.transaction(({ run }) =>
        run("UPDATE dataset_job SET cancel = 1 WHERE id = ? AND state = 'running'", [id]),
      ),
    renew: (gateway, progress) =>
      database.transaction(async ({ run, rows: read }) => {
        const held = new Map<string, boolean>();
        for (const { id, progress: part, stage } of progress) {
          await run(
            `UPDATE dataset_job SET heartbeat = ${NOW}, progress = ?, stage = ?
             WHERE id = ? AND gateway = ? AND state = 'running'`,
            [part, stage, id, gateway],
          );
          const [row] = await read<{ cancel: number }>(
            "SELECT cancel FROM dataset_job WHERE id = ? AND gateway = ? AND state = 'running'",
            [id, gateway],
          );
          if (row !== undefined) held.set(id, Number(row.cancel) === 1);
        }
        return held;
      }),
    end: (job, by) =>
      database.transaction(async ({ run, rows: read }) => {
        const { id, state, progress, stage, finishedAt } = job.status;
        const [row] = await read<{ gateway: string; quiet: number }>(
          `SELECT gateway, ${NOW} - heartbeat AS quiet FROM dataset_job
           WHERE id = ? AND state = 'running' FOR UPDATE`,
          [id],
        );
        if (row === undefined) return false;
        const allowed =
          'gateway' in by
            ? row.gateway === by.gateway
            : by.quietMs === null || Number(row.quiet) > by.quietMs;
        if (!allowed) return false;
        await run(
          'UPDATE dataset_job SET state = ?, ended = ?, progress = ?, stage = ?, job = ? WHERE id = ?',
          [state, finishedAt, progress, stage, JSON.stringify(job), id],
        );
        const old = await read<{ id: string }>(
          `SELECT id FROM dataset_job WHERE ended IS NOT NULL ORDER BY ended DESC, id DESC
           LIMIT ${PRUNED} OFFSET ${kept}`,
        );
        for (const one of old) await run('DELETE FROM dataset_job WHERE id = ?', [one.id]);
        return true;
      }),
  };
};
