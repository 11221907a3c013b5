/** Kafka's requests list partitions under their topic. */
import type { TopicPartition } from '#infra/kafka/wire/address.ts';

export const byTopic = <P extends TopicPartition, R>(
  at: readonly P[],
  entry: (one: P) => R,
): { readonly name: string; readonly partitions: R[] }[] => {
  const topics = new Map<string, R[]>();
  for (const one of at) {
    const list = topics.get(one.topic);
    if (list === undefined) topics.set(one.topic, [entry(one)]);
    else list.push(entry(one));
  }
  return [...topics].map(([name, partitions]) => ({ name, partitions }));
};

/** Requests about partitions go to their leaders, one request to each. */
export const byLeader = <P extends TopicPartition, L extends { host: string; port: number }>(
  at: readonly P[],
  leaderOf: (one: P) => L,
): readonly { readonly leader: L; readonly led: readonly P[] }[] => {
  const leaders = new Map<string, { leader: L; led: P[] }>();
  for (const one of at) {
    const leader = leaderOf(one);
    const name = `${leader.host}:${leader.port}`;
    const list = leaders.get(name);
    if (list === undefined) leaders.set(name, { leader, led: [one] });
    else list.led.push(one);
  }
  return [...leaders.values()];
};
