/** The option of commands that make data sets: what joins the rows. */
import { Option } from 'commander';
import { DATASET_ENGINES } from '#domain/datasets/data-set-engine.ts';

export const engineOption = (): Option =>
  new Option(
    '--engine <engine>',
    'what joins the rows, with the same result: embedded: the platform; spark, flink: a batch job; default: embedded',
  ).choices([...DATASET_ENGINES]);
