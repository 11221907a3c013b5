/**
 * The address that a request comes from. Behind a proxy it is in the header `x-forwarded-for`,
 * which anybody can send: it counts only as far as the proxies that wrote it are trusted.
 */
import { BlockList, isIP } from 'node:net';
import { fail } from '#domain/errors.ts';

/** @param peer of the connection. @param forwarded the header's value, the nearest proxy last */
export type ClientAddress = (
  peer: string | undefined,
  forwarded: string | undefined,
) => string | undefined;

/** IPv4 addresses of IPv6 sockets, without a zone: `::ffff:10.0.0.1` → `10.0.0.1` */
const plain = (address: string): string =>
  address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** @throws MR_PARAMETER_INVALID */
const listOf = (networks: readonly string[]): BlockList => {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const most = isIP(address) === 6 ? 128 : 32;
    const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
    if (isIP(address) === 0 || prefix < 0 || prefix > most)
      fail(
        'MR_PARAMETER_INVALID',
        `--trusted-proxy must be an address or a network such as 10.0.0.0/8, not ${JSON.stringify(network)}`,
        { value: network },
      );
    list.addSubnet(address, prefix, familyOf(address));
  }
  return list;
};

/** @param networks of the proxies, as addresses or CIDR; none: the header is never used */
export const clientAddress = (networks: readonly string[] = []): ClientAddress => {
  if (networks.length === 0) return (peer) => peer;
  const trusted = listOf(networks);
  const isTrusted = (address: string): boolean =>
    isIP(address) !== 0 && trusted.check(address, familyOf(address));
  return (peer, forwarded) => {
    let address = peer === undefined ? undefined : plain(peer);
    const hops = (forwarded ?? '').split(',').map((hop) => plain(hop.trim()));
    while (address !== undefined && isTrusted(address)) {
      const before = hops.pop();
      if (before === undefined || isIP(before) === 0) break;
      address = before;
    }
    return address;
  };
};
