/**
 * Child process: the outbox of a gateway alone. Prints the commits that it is about to write, so
 * that it can be killed meanwhile.
 */
import { writeSync } from 'node:fs';
import { REGISTRY_TOPIC } from '#domain/ports/topics.ts';
import { kafkaLog } from '#infra/kafka/log.ts';
import { openMysql } from '#infra/mysql/database.ts';
import { mysqlEventStore } from '#infra/mysql/event-store.ts';
import { publishOutbox } from '#projections/outbox/publish-outbox.ts';
import { record } from '#tests/contracts/log.contract.ts';

const [broker, prefix, mysql, name] = process.argv.slice(2) as [string, string, string, string];
const log = await kafkaLog({
  brokers: [broker],
  clientId: name,
  prefix,
  transactionTimeoutMs: 2_000,
});
const store = mysqlEventStore(await openMysql(JSON.parse(mysql)));
await publishOutbox(store, log, (commit) => {
  writeSync(1, `writes ${commit.position}\n`);
  return [record(REGISTRY_TOPIC, `${commit.position} ${name}`)];
});
writeSync(1, 'ready\n');
