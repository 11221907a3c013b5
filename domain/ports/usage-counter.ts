/**
 * The use of daily quotas by keys, shared by gateways and kept over restarts.
 *
 * Promise: `add` is atomic among all processes, and returns the day's total, the addition included.
 * The counts of past days may be deleted.
 */
export interface UsageCounter {
  /** @param day days since the epoch, UTC */
  readonly add: (id: string, day: number, count: number) => Promise<number>;
  readonly close?: () => Promise<void>;
}
