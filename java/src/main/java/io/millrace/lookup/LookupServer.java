package io.millrace.lookup;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.paimon.disk.IOManager;

/**
 * Key lookups on Paimon's primary-key tables, over TCP: {@code --port P --warehouse DIR --cache DIR
 * [--host 127.0.0.1] [--cache-mb N]}. A table is opened at the first request for it and followed
 * from then on. The cache directory may be deleted while the server does not run.
 */
public final class LookupServer implements AutoCloseable {
  private static final int POLL_MS = 100;
  private static final String STORE = "lookup-store";

  private final ServerSocket socket;
  private final Catalog catalog;
  private final IOManager io;
  private final Stats stats = new Stats();
  private final ExecutorService pool =
      Executors.newFixedThreadPool(Math.max(2, Runtime.getRuntime().availableProcessors()));
  private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor();
  private final ExecutorService follower = Executors.newFixedThreadPool(2);
  private final Set<Connection> connections = ConcurrentHashMap.newKeySet();

  public LookupServer(String host, int port, File warehouse, File cache, long cacheBytes)
      throws IOException {
    File store = new File(cache, STORE);
    delete(store.toPath());
    if (!store.mkdirs()) throw new IOException("can't create  " + store);
    io = IOManager.create(store.getPath());
    catalog = new Catalog(warehouse, io, cacheBytes, stats);
    socket = new ServerSocket();
    socket.setReuseAddress(true);
    socket.bind(new InetSocketAddress(InetAddress.getByName(host), port), 128);
    clock.scheduleWithFixedDelay(() -> catalog.follow(follower), POLL_MS, POLL_MS,
        TimeUnit.MILLISECONDS);
  }

  public int port() {
    return socket.getLocalPort();
  }

  /** Accepts clients until the server is closed. */
  public void serve() throws IOException {
    while (true) {
      Socket client;
      try {
        client = socket.accept();
      } catch (SocketException e) {
        return;
      }
      Connection connection = new Connection(client, catalog, pool, stats);
      connections.add(connection);
      Thread thread =
          new Thread(
              () -> {
                connection.run();
                connections.remove(connection);
              },
              "client " + client.getRemoteSocketAddress());
      thread.setDaemon(true);
      thread.start();
    }
  }

  private static void delete(Path path) throws IOException {
    if (!Files.exists(path)) return;
    try (Stream<Path> files = Files.walk(path)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) Files.delete(file);
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
    clock.shutdown();
    follower.shutdown();
    pool.shutdown();
    try {
      clock.awaitTermination(5, TimeUnit.SECONDS);
      pool.awaitTermination(5, TimeUnit.SECONDS);
      follower.awaitTermination(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    connections.forEach(Connection::close);
    catalog.close();
    try {
      io.close();
    } catch (Exception e) {
      throw new IOException(e);
    }
  }

  private static Map<String, String> options(String[] args) {
    Map<String, String> options = new HashMap<>();
    for (int i = 0; i + 1 < args.length; i += 2) options.put(args[i], args[i + 1]);
    return options;
  }

  public static void main(String[] args) throws IOException {
    Map<String, String> options = options(args);
    for (String needed : new String[] {"--port", "--warehouse", "--cache"})
      if (!options.containsKey(needed)) {
        System.err.println(
            "usage: LookupServer --port P --warehouse DIR --cache DIR "
                + "[--host 127.0.0.1] [--cache-mb 128]");
        System.exit(2);
      }
    long cacheBytes = Long.parseLong(options.getOrDefault("--cache-mb", "128")) << 20;
    String host = options.getOrDefault("--host", "127.0.0.1");
    LookupServer server =
        new LookupServer(
            host,
            Integer.parseInt(options.get("--port")),
            new File(options.get("--warehouse")),
            new File(options.get("--cache")),
            cacheBytes);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  try {
                    server.close();
                  } catch (IOException e) {
                    throw new UncheckedIOException(e);
                  }
                }));
    Log.info("listening on " + host + ":" + server.port());
    server.serve();
  }
}
