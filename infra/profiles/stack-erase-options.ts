/** How an erasure of the stack is asked for. */
import type { EntityTexts } from '#domain/erasure/scope.ts';
import type { RecomputeSettings } from './erase-others.ts';
import type { StackOptions } from './stack-profile-options.ts';

export interface EraseStackOptions extends Omit<RecomputeSettings, 'entityQuotas'> {
  /** of the servers */
  readonly directory: string;
  readonly basePort?: number;
  readonly entity: EntityTexts;
  readonly reason: string;
  /** of gateways: their data sets are in there */
  readonly dataDirectories?: readonly string[];
  /** directories of backups */
  readonly backups?: readonly string[];
  /** the backups of these directories are removed, all of them */
  readonly removeBackups?: boolean;
  readonly now?: () => number;
  readonly onProgress?: (what: string) => void;
  /** called after each step; tests stop a run there */
  readonly onStep?: (step: EraseStep) => void;
  /** of the jobs that compute the views again, as gateways have them */
  readonly settings?: StackOptions['settings'];
}

export type EraseStep = 'request' | 'found' | 'log' | 'history' | 'derived' | 'started' | 'end';
