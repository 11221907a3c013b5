/** The runner of erasures of an embedded platform: plans on its database, and begins the window. */
import { Worker } from 'node:worker_threads';
import type { FoundIn } from '#domain/erasure/erasure.ts';
import type { EntityTexts } from '#domain/erasure/scope.ts';
import type { ErasureRunner } from '#domain/ports/erasure-runner.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import type { ErasureRequests } from '#infra/profiles/erasure-requests.ts';
import { workerUrl } from '#infra/shared/worker-url.ts';
import type { Database } from '#infra/sqlite/database.ts';
import { digestOf, entityIn } from './erase-scope.ts';

/** What the window gives the platform that is open. */
export interface ErasureHandling {
  readonly requests: ErasureRequests;
  /** what was begun is carried out once the requests in flight are answered */
  readonly onBegin: () => void;
}

interface RunnerOptions extends ErasureHandling {
  readonly database: Database;
  readonly platform: string;
  readonly dataDirectory: string;
}

const RAW = rawTopic('');

const sourcesOf = (topics: Iterable<string>): readonly string[] =>
  [...topics].flatMap((topic) => (topic.startsWith(RAW) ? [topic.slice(RAW.length)] : []));

/** In a thread, because all records are read. */
const countIn = (dataDirectory: string, entity: EntityTexts): Promise<readonly FoundIn[]> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(workerUrl('./erase-count-worker', import.meta.url), {
      workerData: { dataDirectory, entity },
    });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the count of an erasure ended with ${code}`)));
  });

export const erasureRunner = ({
  database,
  platform,
  dataDirectory,
  requests,
  onBegin,
}: RunnerOptions): ErasureRunner => {
  requests.removeUnfinished();
  return {
    ...requests,
    plan(entity) {
      const { scope } = entityIn(database.db, entity);
      return {
        digest: digestOf(platform, scope),
        keyNames: scope.keyNames,
        touches: [
          ...scope.entities.map((name) => `entity/${name}`),
          ...[...new Set([...scope.views, ...scope.otherViews.keys()])].map(
            (name) => `feature-view/${name}`,
          ),
          ...scope.services.map((name) => `feature-service/${name}`),
          ...sourcesOf(scope.matches.keys()).map((name) => `source/${name}`),
        ],
      };
    },
    count: (entity) => countIn(dataDirectory, entity),
    names: (entity, text) => entityIn(database.db, entity).isInText(text),
    begin(id, wanted) {
      requests.begin(id, wanted);
      onBegin();
    },
  };
};
