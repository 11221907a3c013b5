/**
 * A server in a process of its own, whose CPU time is measured alone: with both cores busy, that is
 * steadier than wall time.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Ask, Measured } from './measured-server.ts';

export interface ServerProcess {
  readonly address: string;
  /** The resources that the process used while `work` ran. */
  readonly measure: <T>(
    work: () => Promise<T>,
    profiled?: boolean,
  ) => Promise<Measured & { readonly result: T }>;
  readonly stop: () => Promise<void>;
}

/** @param file in bench/support */
export const startServer = async (
  file: string,
  args: readonly string[] = [],
): Promise<ServerProcess> => {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [...args], {
    serialization: 'advanced',
  });
  const gone = new Promise<never>((_, reject) =>
    child.once('exit', (code) => reject(new Error(`${file} ${args.join(' ')} ended with ${code}`))),
  );
  gone.catch(() => {});
  const ask = async (what: Ask): Promise<unknown> => {
    child.send(what);
    return (await Promise.race([once(child, 'message'), gone]))[0];
  };
  const [address] = (await Promise.race([once(child, 'message'), gone])) as [string];
  return {
    address,
    async measure(work, profiled = false) {
      await ask(profiled ? 'start-profiled' : 'start');
      const result = await work();
      return { ...((await ask('stop')) as Measured), result };
    },
    async stop() {
      if (child.exitCode !== null) return;
      child.disconnect();
      await once(child, 'exit');
    },
  };
};
