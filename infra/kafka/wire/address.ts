/** How a client of this project reaches a Kafka cluster. */
export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export type Warn = (message: string) => void;

export interface KafkaAddress {
  /** `host:port` of at least one broker; the others are found through it */
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** receives the messages of failed connections; default: they are dropped */
  readonly warn?: Warn;
  /**
   * maps the address that the cluster advertises to the one to connect to; default: the same
   */
  readonly route?: (advertised: BrokerAddress) => BrokerAddress;
}

export const parseBroker = (text: string): BrokerAddress => {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
};
