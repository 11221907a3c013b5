/** A join ends with an error where its thread ends, and refusals keep their codes. */
import { expect, test } from 'vitest';
import type { Part } from './join-part.ts';
import { joinThreads } from './join-threads.ts';

const part: Part = {
  entities: 0,
  events: { blocks: [] },
  texts: {},
  views: [],
  halfOpen: false,
  spanEvents: 1,
};

const threadOf = (code: string): URL =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`import { parentPort } from 'node:worker_threads'; ${code}`)}`,
  );

test.each([
  ['it exits', 'parentPort.on("message", () => process.exit(3));', 'it exited with 3'],
  ['it exits at once', 'process.exit(4);', 'it exited with 4'],
  ['it throws', 'parentPort.on("message", () => { throw new Error("lost"); });', 'lost'],
])('%s', async (_, code, why) => {
  const threads = joinThreads(1, threadOf(code));
  const joined = threads.join(part);
  await expect(joined).rejects.toMatchObject({
    code: 'MR_DATASET_FAILED',
    message: expect.stringContaining(why),
  });
  await expect(threads.join(part)).rejects.toMatchObject({ code: 'MR_DATASET_FAILED' });
  await threads.close();
});

test('a join that runs ends when the threads are closed', async () => {
  const threads = joinThreads(1, threadOf('parentPort.on("message", () => {});'));
  const joined = threads.join(part);
  const failed = expect(joined).rejects.toMatchObject({ code: 'MR_DATASET_FAILED' });
  await threads.close();
  await failed;
});

test('what a join refuses has its code, and the thread joins the next part', async () => {
  const threads = joinThreads(
    1,
    threadOf(`let n = 0; parentPort.on('message', () => parentPort.postMessage(n++ === 0
      ? { refused: { code: 'MR_REFUSED', message: 'no', details: { a: 1 } } } : { results: [] }));`),
  );
  await expect(threads.join(part)).rejects.toMatchObject({
    code: 'MR_REFUSED',
    message: 'no',
    details: { a: 1 },
  });
  expect(await threads.join(part)).toEqual([]);
  await threads.close();
});
