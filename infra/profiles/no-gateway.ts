/** For commands that change the stores of a stack from outside. */
import { MillraceError } from '#domain/errors.ts';
import type { MysqlDatabase } from '#infra/mysql/database.ts';
import { isHeld, JOBS_LEASE } from '#infra/mysql/lease.ts';

/** @throws MR_DATA_DIR_LOCKED */
export const assertNoGateway = async (database: Pick<MysqlDatabase, 'rows'>): Promise<void> => {
  if (await isHeld(database, JOBS_LEASE))
    throw new MillraceError(
      'MR_DATA_DIR_LOCKED',
      'A gateway runs on this stack. Stop all gateways first.',
    );
};
