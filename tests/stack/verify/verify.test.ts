/** `millrace stack verify` changes nothing, whatever it finds. */
import { randomUUID } from 'node:crypto';
import mysqlClient from 'mysql2/promise';
import { expect, test } from 'vitest';
import { kafkaLog } from '#infra/kafka/log.ts';
import { PRODUCERS_TOPIC } from '#infra/kafka/topic-config.ts';
import { openCluster } from '#infra/kafka/wire/cluster.ts';
import { type MysqlAddress, openMysql } from '#infra/mysql/database.ts';
import { mysqlPlatform } from '#infra/mysql/platform.ts';
import { verifyStack } from '#infra/profiles/stack-verify.ts';
import { addresses } from '#tests/stack/support/addresses.ts';
import { emptyDatabase } from '#tests/stack/support/mysql.ts';
import { uniqueName } from '#tests/stack/support/platform.ts';

const kafka = () => ({ brokers: [addresses().kafka], clientId: 'verify-test' });
const verify = (mysql: MysqlAddress) =>
  verifyStack({ addresses: { ...addresses(), mysql }, deep: false });

test('in an empty database it makes no table', async () => {
  const mysql = await emptyDatabase();
  await expect(verify(mysql)).rejects.toMatchObject({
    code: 'MR_NOT_FOUND',
    message: expect.stringContaining('millrace stack repair'),
  });
  const connection = await mysqlClient.createConnection(mysql);
  expect((await connection.query('SHOW TABLES'))[0]).toEqual([]);
  await connection.end();
});

test('tables of an older Millrace stay as they are', async () => {
  const mysql = await emptyDatabase();
  const database = await openMysql(mysql);
  await database.transaction(({ run }) => run('UPDATE millrace_schema SET version = 4'));
  await expect(verify(mysql)).rejects.toMatchObject({ code: 'MR_REFUSED' });
  expect(await database.rows('SELECT version FROM millrace_schema')).toEqual([{ version: 4 }]);
  await database.close();
});

test('a topic that gateways would use again is reported, and its id is not recorded', async () => {
  const mysql = await emptyDatabase();
  const database = await openMysql(mysql);
  const topic = `rejected.${uniqueName('verify')}`;
  const log = await kafkaLog(kafka());
  await log.createTopic(topic, { partitions: 1 });
  await log.close();
  const recorded = new Map([[topic, randomUUID()]]);
  const { topicIds } = mysqlPlatform(database);
  await topicIds.replace(topic, recorded.get(topic) as string);
  const { damage } = await verify(mysql);
  expect(damage).toContainEqual(
    expect.objectContaining({
      part: 'log',
      what: `the topic ${topic}`,
      why: expect.stringContaining('was deleted and created again'),
    }),
  );
  expect(await topicIds.all()).toEqual(recorded);
  await database.close();
});

test('a log for reading makes no topic', async () => {
  const prefix = `${uniqueName('reads')}.`;
  const log = await kafkaLog({ ...kafka(), prefix, readOnly: true });
  expect(await log.topics()).toEqual([]);
  await log.close();
  const cluster = openCluster(kafka());
  const [found] = await cluster.describe([prefix + PRODUCERS_TOPIC]);
  await cluster.close();
  expect(found?.error).toBe('UNKNOWN_TOPIC_OR_PARTITION');
});
