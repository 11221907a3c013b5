/** Stops and starts the servers of a stack around an erasure. */
import { existsSync } from 'node:fs';
import { MillraceError } from '#domain/errors.ts';
import { isCleanlyStopped } from '#infra/kafka/segments/erase-records.ts';
import type { Stack } from '#infra/stack/stack.ts';
import type { ServerName } from '#infra/stack/versions.ts';

/** Clients before their servers; the database and the schema registry go on. */
const WAVES: readonly (readonly ServerName[])[] = [
  ['sql-gateway', 'lookup', 'taskmanager'],
  ['jobmanager', 'redis'],
  ['kafka'],
];

/** One that is killed has unfinished files. */
const STOP_MS = 120_000;

export const startForErasure = (stack: Stack, servers?: readonly ServerName[]): Promise<void> =>
  stack.up(servers);

/**
 * @param logs Kafka's files, which are whole only if it was stopped in order: one that was killed
 * is started once more
 */
export const stopForErasure = async (stack: Stack, logs: string): Promise<void> => {
  for (const wave of WAVES)
    await Promise.all(wave.map((server) => stack.kill(server, 'SIGTERM', STOP_MS)));
  if (!existsSync(logs) || (await isCleanlyStopped(logs))) return;
  await stack.up(['kafka']);
  await stack.kill('kafka', 'SIGTERM', STOP_MS);
  if (!(await isCleanlyStopped(logs)))
    throw new MillraceError(
      'MR_STACK_FAILED',
      `Kafka did not stop in order: see \`millrace stack logs kafka\`, and run the erasure again.`,
      { server: 'kafka' },
    );
};
