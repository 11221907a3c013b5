/**
 * One holder among several processes, by a lock that lives as long as its connection: a holder that
 * dies lets go at once. What is done under it must bear a moment in which two believe to hold it (a
 * connection that broke unseen): it is compared and mended, not trusted.
 */
import type { Connection } from 'mysql2/promise';
import type { MysqlDatabase } from './database.ts';

export interface Lease {
  readonly holds: () => boolean;
  readonly close: () => Promise<void>;
}

const TRY_MS = 500;
/** A server that hangs holds nothing for us. */
const ANSWER_MS = 3_000;

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
      // Closed meanwhile: a lock taken now would be nobody's to let go.
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
