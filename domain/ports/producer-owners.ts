/**
 * Which principal a producer id belongs to: the first one that used it on a source.
 *
 * Promise (tests/contracts/producer-owners.contract.ts): `claim` is atomic among all processes and
 * durable when it resolves. Of two principals that claim an id at once, one gets it, and both are
 * told which.
 */
export interface ProducerOwners {
  /**
   * @param principal the claimant's id
   * @param replaced ids of principals whose producers the claimant takes over
   * @returns the owner after the claim
   */
  readonly claim: (
    source: string,
    producer: string,
    principal: string,
    replaced: readonly string[],
  ) => Promise<string>;
  /** null: no one has used the id yet */
  readonly owner: (source: string, producer: string) => Promise<string | null>;
}
