/**
 * One holder among several processes: a lock of MySQL that ends with its connection, so a holder
 * that dies releases it at once. Work under the lease must tolerate a moment in which two processes
 * believe to hold it (after a connection broke unnoticed): it reconciles, so repeating it is safe.
 */
import type { Connection } from 'mysql2/promise';
import type { MysqlDatabase } from './database.ts';

interface Lease {
  readonly holds: () => boolean;
  readonly close: () => Promise<void>;
}

const TRY_MS = 500;
/** Held by the gateway that manages the jobs, while any gateway runs. */
export const JOBS_LEASE = 'millrace.jobs';
/** Past this timeout the lease counts as lost. */
const ANSWER_MS = 3_000;

/** Whether some process holds it now. */
export const isHeld = async (
  { rows }: Pick<MysqlDatabase, 'rows'>,
  name: string,
): Promise<boolean> => {
  const [found] = await rows<{ free: number }>('SELECT IS_FREE_LOCK(?) AS free', [name]);
  return Number(found?.free ?? 1) !== 1;
};

export const mysqlLease = async (database: MysqlDatabase, name: string): Promise<Lease> => {
  let connection: Connection | null = null;
  let held = false;
  let closed = false;
  let trying = false;

  const drop = (): void => {
    held = false;
    connection?.destroy();
    connection = null;
  };
  const attempt = async (): Promise<void> => {
    if (connection === null) {
      const made = await database.connect();
      // Closed in the meantime: no caller would release a lock that is taken now.
      if (closed) return made.destroy();
      made.on('error', drop);
      connection = made;
    }
    const sql = held
      ? 'SELECT IS_USED_LOCK(?) = CONNECTION_ID() AS mine'
      : 'SELECT GET_LOCK(?, 0) AS mine';
    const [rows] = await connection.query({ sql, timeout: ANSWER_MS }, [name]);
    held = Number((rows as { mine: number }[])[0]?.mine) === 1 && !closed;
  };
  const turn = async (): Promise<void> => {
    if (trying || closed) return;
    trying = true;
    await attempt().catch(drop);
    trying = false;
  };
  await turn();
  const timer = setInterval(() => void turn(), TRY_MS);
  timer.unref();
  return {
    holds: () => held,
    async close() {
      closed = true;
      clearInterval(timer);
      drop();
    },
  };
};
