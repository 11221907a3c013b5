/** The signals that stop a server. */

/**
 * One Ctrl-C is two signals, from the terminal and from the script that started this process; so
 * is a SIGTERM to a process group.
 */
const SAME_SIGNAL_MS = 1_000;

/** Resolves at the first signal; a second Ctrl-C exits at once. */
export const untilSignal = (): Promise<void> =>
  new Promise((done) => {
    let first: number | null = null;
    const onSignal = (signal: NodeJS.Signals): void => {
      const now = performance.now();
      if (first !== null && signal === 'SIGINT' && now - first > SAME_SIGNAL_MS) process.exit(1);
      first ??= now;
      done();
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
