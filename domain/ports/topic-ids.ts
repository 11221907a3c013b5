/**
 * The ids of the topics that this platform uses. A log that gives topics ids gives another one to a
 * topic that was deleted and created again under its name.
 */
export interface TopicIds {
  /** topic → id */
  readonly all: () => Promise<ReadonlyMap<string, string>>;
  /** Records the id of a topic that has none yet. @returns the id that is recorded */
  readonly record: (topic: string, id: string) => Promise<string>;
  readonly replace: (topic: string, id: string) => Promise<void>;
}
