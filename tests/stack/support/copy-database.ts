/** A copy of a database on the stack's server, as a backup that was restored would be. */
import { randomUUID } from 'node:crypto';
import mysql from 'mysql2/promise';
import type { MysqlAddress } from '#infra/mysql/database.ts';

export const copyDatabase = async (address: MysqlAddress): Promise<MysqlAddress> => {
  const copy = `copy_${randomUUID().replaceAll('-', '')}`;
  const connection = await mysql.createConnection(address);
  try {
    await connection.query(`CREATE DATABASE ${copy}`);
    const [tables] = await connection.query('SHOW TABLES');
    for (const [table] of (tables as object[]).map(Object.values) as [string][]) {
      await connection.query(`CREATE TABLE ${copy}.${table} LIKE ${table}`);
      await connection.query(`INSERT INTO ${copy}.${table} SELECT * FROM ${table}`);
    }
  } finally {
    await connection.end();
  }
  return { ...address, database: copy };
};
