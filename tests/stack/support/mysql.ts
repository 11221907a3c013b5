/** A database for one test, on the stack's server. */
import { randomUUID } from 'node:crypto';
import mysql from 'mysql2/promise';
import type { MysqlAddress } from '#infra/mysql/database.ts';
import { addresses } from './addresses.ts';

export const emptyDatabase = async (): Promise<MysqlAddress> => {
  const { mysql: server } = addresses();
  const database = `test_${randomUUID().replaceAll('-', '')}`;
  const connection = await mysql.createConnection(server);
  await connection.query(`CREATE DATABASE ${database}`);
  await connection.end();
  return { ...server, database };
};
