/**
 * The server's side of `server-process.ts`: prints its address, counts its CPU time between `start`
 * and `stop`, and profiles itself on request.
 */
import { type Profiler, Session } from 'node:inspector/promises';

export type Ask = 'start' | 'start-profiled' | 'stop';

export interface Measured {
  /** seconds of the process, all threads */
  readonly cpu: number;
  readonly profile: Profiler.Profile | null;
}

const SAMPLE_US = 200;

export const serveMeasured = (address: string): void => {
  const session = new Session();
  session.connect();
  let profiled = false;
  let from = process.cpuUsage();
  const start = async (withProfile: boolean): Promise<void> => {
    profiled = withProfile;
    if (profiled) {
      await session.post('Profiler.enable');
      await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_US });
      await session.post('Profiler.start');
    }
    from = process.cpuUsage();
  };
  const stop = async (): Promise<Measured> => {
    const { user, system } = process.cpuUsage(from);
    const profile = profiled ? (await session.post('Profiler.stop')).profile : null;
    return { cpu: (user + system) / 1e6, profile };
  };
  process.on('message', async (ask: Ask) => {
    if (ask !== 'stop') await start(ask === 'start-profiled');
    process.send?.(ask === 'stop' ? await stop() : 'started');
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.(address);
};
