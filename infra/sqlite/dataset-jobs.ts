/** Data sets and their states, in a table of their own. */
import {
  type DatasetJob,
  type DatasetJobs,
  type FoundDatasetJob,
  KEPT_DATASETS,
} from '#domain/ports/dataset-jobs.ts';
import type { Database } from '#infra/sqlite/database.ts';

interface JobRow {
  readonly progress: number;
  readonly stage: string;
  readonly heartbeat: number;
  readonly job: string;
}

/** @param now epoch ms */
export const sqliteDatasetJobs = (
  database: Database,
  now: () => number,
  kept = KEPT_DATASETS,
): DatasetJobs => {
  const { db, transaction } = database;
  db.exec(
    `CREATE TABLE IF NOT EXISTS dataset_job (
       id TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER,
       gateway TEXT NOT NULL, heartbeat INTEGER NOT NULL, cancel INTEGER NOT NULL DEFAULT 0,
       progress REAL NOT NULL, stage TEXT NOT NULL, job TEXT NOT NULL
     );
     CREATE INDEX IF NOT EXISTS dataset_job_started ON dataset_job (started);
     CREATE INDEX IF NOT EXISTS dataset_job_ended ON dataset_job (ended);`,
  );
  const columns = 'progress, stage, heartbeat, job';
  const add = db.prepare(
    `INSERT INTO dataset_job (id, state, started, gateway, heartbeat, progress, stage, job)
     VALUES (?, 'running', ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  );
  const one = db.prepare(`SELECT ${columns} FROM dataset_job WHERE id = ?`);
  const running = db.prepare(`SELECT ${columns} FROM dataset_job WHERE state = 'running'`);
  const newest = db.prepare(
    `SELECT ${columns} FROM dataset_job ORDER BY started DESC, id DESC LIMIT ?`,
  );
  const wish = db.prepare("UPDATE dataset_job SET cancel = 1 WHERE id = ? AND state = 'running'");
  const renew = db.prepare(
    `UPDATE dataset_job SET heartbeat = ?, progress = ?, stage = ?
     WHERE id = ? AND gateway = ? AND state = 'running' RETURNING cancel`,
  );
  const end = db.prepare(
    `UPDATE dataset_job SET state = ?, ended = ?, progress = ?, stage = ?, job = ?
     WHERE id = ? AND state = 'running' AND (gateway = ? OR heartbeat < ?)`,
  );
  const prune = db.prepare(
    `DELETE FROM dataset_job WHERE id IN (
       SELECT id FROM dataset_job WHERE ended IS NOT NULL ORDER BY ended DESC, id DESC LIMIT -1 OFFSET ?
     )`,
  );
  const found = (row: JobRow): FoundDatasetJob => {
    const job = JSON.parse(row.job) as DatasetJob;
    const { progress, stage } = row;
    return {
      job: { ...job, status: { ...job.status, progress, stage } },
      quietMs: Math.max(0, now() - row.heartbeat),
    };
  };
  const all = (rows: unknown): readonly FoundDatasetJob[] => (rows as readonly JobRow[]).map(found);

  return {
    shared: false,
    async begin(job) {
      const { id, startedAt, progress, stage } = job.status;
      const text = JSON.stringify(job);
      const { changes } = transaction(() =>
        add.run(id, startedAt, job.gateway, now(), progress, stage, text),
      );
      return Number(changes) === 1;
    },
    async find(id) {
      const row = one.get(id) as JobRow | undefined;
      return row === undefined ? null : found(row);
    },
    running: async () => all(running.all()),
    newest: async (limit) => all(newest.all(limit)),
    async wishCancel(id) {
      transaction(() => wish.run(id));
    },
    renew: async (gateway, progress) =>
      transaction(() => {
        const time = now();
        const held = new Map<string, boolean>();
        for (const { id, progress: part, stage } of progress) {
          const row = renew.get(time, part, stage, id, gateway) as { cancel: number } | undefined;
          if (row !== undefined) held.set(id, row.cancel === 1);
        }
        return held;
      }),
    end: async (job, by) =>
      transaction(() => {
        const { id, state, progress, stage, finishedAt } = job.status;
        const [gateway, before] =
          'gateway' in by
            ? [by.gateway, Number.MIN_SAFE_INTEGER]
            : ['', by.quietMs === null ? Number.MAX_SAFE_INTEGER : now() - by.quietMs];
        const text = JSON.stringify(job);
        const { changes } = end.run(state, finishedAt, progress, stage, text, id, gateway, before);
        if (Number(changes) === 1) prune.run(kept);
        return Number(changes) === 1;
      }),
  };
};
