/**
 * Starts an embedded platform that can erase while its process runs. Nothing can be lost or come
 * back, because nothing else runs: an erasure closes the platform, does the offline erasure on its
 * directory, and opens the platform again. The gateways stay, and answer MR_MAINTENANCE meanwhile.
 *
 * What was begun is in a file. A process that is killed leaves it, and the next one carries it out
 * before it opens the platform.
 */
import type { Platform } from '#domain/api/platform.ts';
import { textMatcher } from '#domain/erasure/scope.ts';
import { messageOf } from '#domain/error-message.ts';
import { MillraceError } from '#domain/errors.ts';
import type { WantedErasure } from '#domain/ports/erasure-runner.ts';
import { type EmbeddedOptions, startEmbedded } from '#infra/profiles/embedded.ts';
import { eraseEmbedded } from '#infra/profiles/embedded-erase.ts';
import type { RecomputeSettings } from '#infra/profiles/erase-others.ts';
import { type ErasureRequests, erasureRequests } from '#infra/profiles/erasure-requests.ts';
import { reopeningPlatform } from '#infra/profiles/reopening-platform.ts';
import { auditKeySigner, signCertificate } from '#infra/profiles/sign-certificate.ts';

interface Erasing extends Required<Pick<EmbeddedOptions, 'dataDirectory' | 'now' | 'warn'>> {
  readonly settings: RecomputeSettings;
}

/** Another process has the directory, or a newer release: nothing was tried. */
const NOT_OURS: ReadonlySet<string> = new Set(['MR_DATA_DIR_LOCKED', 'MR_DATA_DIR_NEWER']);

/** An error as it is stored, which is for ever: without the entity. */
const storedError = (
  error: unknown,
  { entity }: WantedErasure,
): { readonly code: string; readonly message: string } => {
  const { code, message } =
    error instanceof MillraceError ? error : { code: 'MR_INTERNAL', message: messageOf(error) };
  const hides = textMatcher(Object.values(entity))(message);
  return { code, message: hides ? 'the message names the entity, and is not kept' : message };
};

const eraseBegun = async (
  { dataDirectory, now, warn, settings }: Erasing,
  requests: ErasureRequests,
  onStep: (step: string) => void,
): Promise<void> => {
  for (const id of requests.running()) {
    const wanted = requests.wanted(id);
    if (wanted === null) continue;
    if (requests.outcome(id) !== null) {
      requests.forgetEnded(id);
      continue;
    }
    warn(`erasure ${id} runs: requests are answered when it has ended`);
    try {
      const certificate = await eraseEmbedded({
        ...wanted,
        ...settings,
        dataDirectory,
        now,
        // Names of topics and views are nothing for every caller.
        onProgress: (what) => onStep(what.split(':')[0] as string),
      });
      requests.end(id, signCertificate(certificate, auditKeySigner(settings.auditKey)));
    } catch (error) {
      if (error instanceof MillraceError && NOT_OURS.has(error.code)) throw error;
      requests.end(id, { error: storedError(error, wanted) });
    }
    warn(`erasure ${id} has ended`);
  }
};

export const startErasable = async (options: EmbeddedOptions): Promise<Platform> => {
  const { dataDirectory, now = Date.now } = options;
  const warn = options.warn ?? ((message: string) => void process.stderr.write(`${message}\n`));
  const erasing = { dataDirectory, now, warn, settings: options };
  const requests = erasureRequests(dataDirectory);
  await eraseBegun(erasing, requests, () => {});
  let begun = false;
  let close: (() => void) | null = null;
  const onBegin = (): void => {
    begun = true;
    close?.();
  };
  const reopening = await reopeningPlatform({
    warn,
    open: () => startEmbedded(options, { requests, onBegin }),
  });
  close = () => reopening.closeFor((onStep) => eraseBegun(erasing, requests, onStep));
  if (begun) close();
  return reopening.platform;
};
