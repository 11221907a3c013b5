/**
 * Child process of the kill test: appends for ever, each append to three partitions, with a
 * position and a producer's sequence; prints each answer.
 */
import { writeSync } from 'node:fs';
import { kafkaLog } from '#infra/kafka/log.ts';
import { appendOf } from './numbered-append.ts';

const [broker, prefix, lanes] = process.argv.slice(2) as [string, string, string];
const log = await kafkaLog({ brokers: [broker], clientId: 'killed', instance: 'one', prefix });

const send = async (lane: number): Promise<void> => {
  for (let n = (await log.producerSequence(`p${lane}`, 'a')) / 3; ; n++) {
    await log.append(appendOf(lane, n));
    writeSync(1, `${lane} ${n}\n`);
  }
};
await Promise.all(Array.from({ length: Number(lanes) }, (_, lane) => send(lane)));
