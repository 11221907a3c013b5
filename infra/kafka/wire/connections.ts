/**
 * One connection to each broker. The first request opens it, and so does the first request after it
 * broke. Requests are sent at once and answered in order, so a request that waits in the broker
 * delays the later ones: long polls use connections of their own.
 */
import { type API, Connection } from '@platformatic/kafka';
import type { BrokerAddress, KafkaAddress } from '#infra/kafka/wire/address.ts';
import { asFailure, isBug } from '#infra/kafka/wire/failure.ts';

export interface Connections {
  /** @throws KafkaFailure */
  request<A extends unknown[], R>(to: BrokerAddress, api: API<A, R>, ...args: A): Promise<R>;
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 1_000;
export const REQUEST_TIMEOUT_MS = 10_000;
/**
 * A broker handles the requests of a connection one after the other, so the client need not limit
 * them.
 */
const MAX_IN_FLIGHT = 1_000;

export const openConnections = (
  { clientId, warn, route = (advertised) => advertised }: KafkaAddress,
  requestTimeout: number = REQUEST_TIMEOUT_MS,
): Connections => {
  const open = new Map<string, Promise<Connection>>();
  let closed = false;

  const connect = async (name: string, { host, port }: BrokerAddress): Promise<Connection> => {
    const connection = new Connection(clientId, {
      connectTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout,
      maxInflights: MAX_IN_FLIGHT,
    });
    connection.on('error', (error) => warn?.(`kafka ${asFailure(error, name).message}`));
    await connection.connect(host, port);
    return connection;
  };

  const connectionTo = (broker: BrokerAddress): Promise<Connection> => {
    const name = `${broker.host}:${broker.port}`;
    const existing = open.get(name);
    if (existing !== undefined) return existing;
    const fresh = connect(name, route(broker));
    const discard = (): void => {
      if (open.get(name) === fresh) open.delete(name);
    };
    open.set(name, fresh);
    fresh.then((connection) => {
      if (connection.isConnected()) connection.once('close', discard);
      else discard();
    }, discard);
    return fresh;
  };

  return {
    async request(to, api, ...args) {
      const name = `${to.host}:${to.port}`;
      try {
        if (closed) throw new Error('the connections are closed');
        return await api.async(await connectionTo(to), ...args);
      } catch (error) {
        throw isBug(error) ? error : asFailure(error, name);
      }
    },
    async close() {
      closed = true;
      const connections = await Promise.allSettled(open.values());
      await Promise.all(
        connections.map((one) => (one.status === 'fulfilled' ? one.value.close() : undefined)),
      );
    },
  };
};
