/**
 * Child process of the kill test: appends numbers until it is killed, and prints the end of each
 * acknowledged append as `partition end`.
 */
import { writeSync } from 'node:fs';
import { openLog } from '#tests/contracts/sqlite.ts';
import { createTopics, summingTask } from '#tests/contracts/summing-task.ts';

const { log } = openLog(process.argv[2] as string);
await createTopics(log);
await log.run(await summingTask(log)).caughtUp();

const send = async (partition: number): Promise<void> => {
  for (let n = 1; ; n++) {
    const records = Array.from({ length: n % 7 }, (_, i) => ({
      topic: 'numbers',
      partition,
      key: null,
      value: Buffer.from(`${n + i}`),
      schemaId: 1,
    }));
    const { ends } = await log.append({ records });
    for (const end of ends) writeSync(1, `${end.partition} ${end.offset}\n`);
  }
};
await Promise.all([send(0), send(1), send(0)]);
