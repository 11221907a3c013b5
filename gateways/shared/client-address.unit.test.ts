/** Only what trusted proxies wrote in the header counts. */
import { expect, test } from 'vitest';
import { clientAddress } from './client-address.ts';

test('without trusted proxies, the header is ignored', () => {
  expect(clientAddress()('10.0.0.1', '1.2.3.4')).toBe('10.0.0.1');
});

test.each([
  ['9.9.9.9', '1.2.3.4', '9.9.9.9'],
  ['10.0.0.1', '1.2.3.4', '1.2.3.4'],
  ['::ffff:10.0.0.1', '1.2.3.4', '1.2.3.4'],
  ['10.0.0.1', undefined, '10.0.0.1'],
  // What the client itself put in the header is left of what the proxy added.
  ['10.0.0.1', '127.0.0.1, 1.2.3.4', '1.2.3.4'],
  ['10.0.0.1', '8.8.8.8, 1.2.3.4, 10.9.9.9', '1.2.3.4'],
  ['10.0.0.1', 'evil, 10.0.0.2', '10.0.0.2'],
  ['10.0.0.1', 'not an address', '10.0.0.1'],
  ['fd00::1', '2001:db8::7', '2001:db8::7'],
  [undefined, '1.2.3.4', undefined],
])('%s with the header %s is %s', (peer, forwarded, address) => {
  expect(clientAddress(['10.0.0.0/8', 'fd00::/8'])(peer, forwarded)).toBe(address);
});

test.each(['10.0.0.0/33', 'localhost', '10.0.0.0/x', '', 'fd00::/129'])('%s is refused', (text) => {
  expect(() => clientAddress([text])).toThrow(/--trusted-proxy/);
});
