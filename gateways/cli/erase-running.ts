/** Requests an erasure of a running server, and waits until it has ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ErasureRequest, ErasureStatus } from '#domain/api/erasures.ts';
import type { SignedCertificate } from '#domain/erasure/certificate.ts';
import { fail, type MillraceError } from '#domain/errors.ts';
import { type Client, path } from './client.ts';
import { createProgress } from './progress.ts';

const POLL_MS = 300;
/** A server that was killed continues the erasure when it is started again. */
const UNREACHABLE_MS = 60_000;

export const eraseRunning = async (
  client: Client,
  request: ErasureRequest,
  message: (text: string) => void,
): Promise<SignedCertificate> => {
  const { id } = await client.post<ErasureStatus>('/v1/erasures', { body: request });
  const at = path('v1', 'erasures', id);
  message(`erasure ${id} runs; until it has ended, the server answers nothing else`);
  const progress = createProgress();
  let lost: number | null = null;
  for (;;)
    try {
      const { state, error } = await client.get<ErasureStatus>(at);
      if (state === 'failed')
        fail(
          'MR_REFUSED',
          `erasure ${id} failed: ${error?.message}; request it again, and it goes on`,
        );
      if (state === 'done') {
        progress.end();
        return await client.get<SignedCertificate>(`${at}/certificate`);
      }
      await sleep(POLL_MS);
    } catch (error) {
      const { code, details } = error as MillraceError;
      const waits =
        code === 'MR_MAINTENANCE' || code === 'MR_UNREACHABLE' || code === 'MR_UNAVAILABLE';
      lost = code === 'MR_UNREACHABLE' ? (lost ?? Date.now()) : null;
      if (!waits || (lost !== null && Date.now() - lost > UNREACHABLE_MS)) {
        progress.end(
          lost === null
            ? undefined
            : `the server is gone; it continues erasure ${id} when it is started again`,
        );
        throw error;
      }
      progress.update(`erasing: ${String(details?.step ?? 'waiting for the server')}`);
      await sleep(POLL_MS);
    }
};
