/**
 * What can be seen of the client without a server: that there is none is said so, by a code, and
 * without the password.
 */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { EMPTY } from './commit-stream.ts';
import { kurrentStream } from './kurrent-stream.ts';

test('where no server answers, each request says so, and a subscription is lost once', async () => {
  const stream = kurrentStream({
    url: 'kurrentdb://ann:secret@127.0.0.1:1?tls=false&maxDiscoverAttempts=1',
    stream: 'none',
  });
  const asked = [
    stream.newest(),
    stream.read(0, 10),
    stream.append({ id: randomUUID(), type: 'T', data: { a: 1 } }, EMPTY),
  ];
  for (const request of await Promise.allSettled(asked)) {
    expect(request).toMatchObject({
      status: 'rejected',
      reason: { code: 'MR_STORE_UNAVAILABLE', details: { store: 'kurrentdb' } },
    });
    expect(String((request as PromiseRejectedResult).reason)).toContain(
      'KurrentDB at 127.0.0.1:1 does not answer',
    );
    expect(String((request as PromiseRejectedResult).reason)).not.toContain('secret');
  }
  let lost = 0;
  stream.subscribe(
    EMPTY,
    () => {},
    () => lost++,
  );
  await expect.poll(() => lost, { timeout: 10_000 }).toBe(1);
  await stream.close();
});
