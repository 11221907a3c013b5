/**
 * What keys have used of their daily quotas, where gateways share a quota or outlive a restart.
 *
 * Promise: `add` is atomic among all who count with it, and answers the day's total with what was
 * added. A day that is over may be forgotten.
 */
export interface UsageCounter {
  /** @param day days since the epoch, UTC */
  readonly add: (id: string, day: number, count: number) => Promise<number>;
  readonly close?: () => Promise<void>;
}
