/**
 * When a generation is filled: everything that the log had accepted when the fill was first seen is
 * computed, and in the durable tier; where that is nothing, its job runs.
 */
import type { Log } from '#domain/ports/log.ts';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import type { FlinkCluster } from './cluster.ts';
import { covers } from './durable-progress.ts';
import type { FlinkGeneration } from './generation.ts';
import type { FlinkJobs } from './jobs.ts';
import { computeJob } from './sql/names.ts';

export interface Fills {
  readonly isFilled: (generation: FlinkGeneration) => Promise<boolean>;
  readonly forget: (generation: FlinkGeneration) => void;
}

interface Fill {
  /** raw ends when the fill was first seen */
  readonly ends: readonly number[];
  /** next offsets of features.<view> after their updates; null: not all are computed yet */
  features: readonly number[] | null;
}

const idOf = ({ spec }: FlinkGeneration): string => `${spec.view}#${spec.generation}`;

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

  const isFilled = async (generation: FlinkGeneration): Promise<boolean> => {
    const { view, generation: number, source } = generation.spec;
    const id = idOf(generation);
    const features = featuresTopic(view);
    let fill = fills.get(id);
    if (fill === undefined) {
      fill = { ends: await log.end(rawTopic(source.name)), features: null };
      fills.set(id, fill);
    }
    // Once it is live, reads with `after` depend on its job.
    if (fill.ends.every((end) => end === 0)) return generation.job?.()?.state === 'RUNNING';
    if (fill.features === null) {
      if (!covers(generation.computed(), fill.ends)) return false;
      const job = (await jobs.running()).find(({ name }) => name === computeJob(view, number));
      if (job === undefined || !(await cluster.boundedSourcesFinished(job.id))) return false;
      fill.features = await log.end(features);
    }
    return covers(generation.durableOffsets(), fill.features);
  };

  return { isFilled, forget: (generation) => void fills.delete(idOf(generation)) };
};
