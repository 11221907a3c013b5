/**
 * Loaded into a server before its own code (NODE_OPTIONS=--import): what a close of the HTTP server
 * waits for never comes. Its deadline, of so many ms as MILLRACE_TEST_DEADLINE_MS says, comes after
 * one second.
 */
import { Server } from 'node:http';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) {
  Server.prototype.close = function close(this: Server) {
    process.stderr.write('the close hangs\n');
    return this;
  };
  const deadline = Number(process.env.MILLRACE_TEST_DEADLINE_MS);
  const wait = globalThis.setTimeout;
  const sooner = (work: () => void, ms?: number, ...more: []): NodeJS.Timeout =>
    wait(work, ms === deadline ? 1_000 : ms, ...more);
  globalThis.setTimeout = Object.assign(sooner, wait) as typeof setTimeout;
}
