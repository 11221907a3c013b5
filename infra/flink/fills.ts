/** When a generation that is being filled is whole: everything known when the fill began is computed, and in the stores that reads go to. */
import type { Log } from '#domain/ports/log.ts';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import type { FlinkCluster } from './cluster.ts';
import type { FlinkGeneration } from './generation.ts';
import type { FlinkJobs } from './jobs.ts';
import { computeJob, MATERIALIZE_GROUP, MATERIALIZE_JOB } from './sql/names.ts';

export interface Fills {
  readonly isFilled: (generation: FlinkGeneration) => Promise<boolean>;
  readonly forget: (generation: FlinkGeneration) => void;
}

interface Fill {
  /** raw ends when the fill was first seen */
  readonly ends: readonly number[];
  /** where the updates of all that end; null: not all is computed yet */
  features: readonly number[] | null;
  seenAt: number;
}

const idOf = ({ spec }: FlinkGeneration): string => `${spec.view}#${spec.generation}`;

const covers = (through: readonly number[], ends: readonly number[]): boolean =>
  ends.every((end, p) => end === 0 || (through[p] ?? 0) >= end);

export const createFills = ({
  log,
  jobs,
  cluster,
}: {
  readonly log: Log;
  readonly jobs: FlinkJobs;
  readonly cluster: FlinkCluster;
}): Fills => {
  const fills = new Map<string, Fill>();

  /** Whether all that was known when the fill began is computed and in the stores. */
  const isFilled = async (generation: FlinkGeneration): Promise<boolean> => {
    const { view, generation: number, source } = generation.spec;
    const id = idOf(generation);
    const features = featuresTopic(view);
    let fill = fills.get(id);
    if (fill === undefined) {
      fill = { ends: await log.end(rawTopic(source.name)), features: null, seenAt: Date.now() };
      fills.set(id, fill);
    }
    if (fill.ends.every((end) => end === 0)) return true;
    if (fill.features === null) {
      if (!covers(generation.computed(), fill.ends)) return false;
      const job = (await jobs.running()).find(({ name }) => name === computeJob(view, number));
      if (job === undefined || !(await cluster.boundedSourcesFinished(job.id))) return false;
      fill.features = await log.end(features);
      fill.seenAt = Number.POSITIVE_INFINITY;
      return false;
    }
    if (!covers(await log.committed(MATERIALIZE_GROUP, features), fill.features)) return false;
    if (fill.seenAt === Number.POSITIVE_INFINITY) {
      fill.seenAt = Date.now();
      return false;
    }
    // A checkpoint's rows are committed before the next checkpoint is complete.
    const job = (await jobs.running()).find(({ name }) => name === MATERIALIZE_JOB);
    const at = job === undefined ? null : (await cluster.health(job.id)).checkpointAt;
    return at !== null && at > fill.seenAt + 1_000;
  };

  return { isFilled, forget: (generation) => void fills.delete(idOf(generation)) };
};
