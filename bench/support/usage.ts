/** Wall and CPU time of work in this process, with all its threads. */

export interface Usage {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

export const startUsage = (): (() => Usage) => {
  const started = performance.now();
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return {
      seconds: (performance.now() - started) / 1000,
      cpuSeconds: (user + system) / 1e6,
    };
  };
};

export const used = async (work: () => Promise<unknown>): Promise<Usage> => {
  const end = startUsage();
  await work();
  return end();
};

export const usageText = ({ seconds, cpuSeconds }: Usage): string =>
  `${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} CPU s`;
