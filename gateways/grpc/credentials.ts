/** TLS for gRPC, with a certificate that may change while the server runs. */
import { experimental, ServerCredentials } from '@grpc/grpc-js';
import { CIPHERS, MIN_TLS, type Pem, type Tls } from '#gateways/shared/tls.ts';

type Provider = Parameters<typeof experimental.createCertificateProviderServerCredentials>[0];
type Identity = Parameters<Provider['addIdentityCertificateListener']>[0];
type Authority = Parameters<Provider['addCaCertificateListener']>[0];

const providerOf = (tls: Tls): Provider => {
  const identities = new Set<Identity>();
  const authorities = new Set<Authority>();
  const toIdentity = ({ cert, key }: Pem): Parameters<Identity>[0] => ({
    certificate: cert,
    privateKey: key,
  });
  const toAuthority = ({ ca }: Pem): Parameters<Authority>[0] =>
    ca === undefined ? null : { caCertificate: ca };
  tls.onChange((pem) => {
    for (const update of authorities) update(toAuthority(pem));
    for (const update of identities) update(toIdentity(pem));
  });
  // A listener called at once would be called before the server is ready for it.
  return {
    addIdentityCertificateListener(listener) {
      identities.add(listener);
      queueMicrotask(() => listener(toIdentity(tls.current())));
    },
    removeIdentityCertificateListener: (listener) => void identities.delete(listener),
    addCaCertificateListener(listener) {
      authorities.add(listener);
      queueMicrotask(() => listener(toAuthority(tls.current())));
    },
    removeCaCertificateListener: (listener) => void authorities.delete(listener),
  };
};

type Watcher = Parameters<ServerCredentials['_addWatcher']>[0];

/**
 * grpc-js takes cipher suites from the environment, and forgets them when the certificate arrives.
 * So they are added to each secure context that it makes.
 */
const withCiphers = (credentials: ServerCredentials): ServerCredentials => {
  const add = credentials._addWatcher.bind(credentials);
  const remove = credentials._removeWatcher.bind(credentials);
  const watchers = new Map<Watcher, Watcher>();
  credentials._addWatcher = (watcher) => {
    const restricted: Watcher = (options) =>
      watcher(options === null ? null : { ...options, minVersion: MIN_TLS, ciphers: CIPHERS });
    watchers.set(watcher, restricted);
    add(restricted);
  };
  credentials._removeWatcher = (watcher) => {
    remove(watchers.get(watcher) ?? watcher);
    watchers.delete(watcher);
  };
  return credentials;
};

export const grpcCredentials = (tls: Tls | undefined): ServerCredentials => {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const provider = providerOf(tls);
  const clients = tls.current().ca !== undefined;
  return withCiphers(
    experimental.createCertificateProviderServerCredentials(
      provider,
      clients ? provider : null,
      clients,
    ),
  );
};
