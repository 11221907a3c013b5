package io.millrace.lookup;

import io.millrace.lookup.LookupException.Code;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * The connection of one client. Answers have their request's id and are sent when they are ready,
 * in any order. The reading thread answers from the caches; requests that may read files go to the
 * pool.
 */
final class Connection implements Runnable {
  private static final int MAX_FRAME = 16 << 20;
  /** the header: kind or code, three zeros, the request's id */
  private static final int HEAD = 8;

  private final Socket socket;
  private final Requests requests;
  private final Executor pool;
  private final Stats stats;
  private final OutputStream out;

  Connection(Socket socket, Catalog catalog, Executor pool, Stats stats) throws IOException {
    socket.setTcpNoDelay(true);
    this.socket = socket;
    this.requests = new Requests(catalog, stats);
    this.pool = pool;
    this.stats = stats;
    this.out = new BufferedOutputStream(socket.getOutputStream(), 1 << 16);
  }

  @Override
  public void run() {
    try (socket) {
      BufferedInputStream buffered = new BufferedInputStream(socket.getInputStream(), 1 << 16);
      DataInputStream in = new DataInputStream(buffered);
      byte[] head = new byte[4 + HEAD];
      while (true) {
        in.readFully(head);
        ByteBuffer fields = ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN);
        int length = fields.getInt();
        int kind = fields.get() & 0xff;
        int id = fields.getInt(8);
        if (length < HEAD || length > MAX_FRAME)
          throw new IOException("a frame of " + (length & 0xffffffffL) + " bytes");
        byte[] body = new byte[length - HEAD];
        in.readFully(body);
        take(kind, id, body, buffered.available() > 0);
      }
    } catch (EOFException e) {
      // The client has disconnected.
    } catch (BufferUnderflowException e) {
      Log.info("closed " + socket.getRemoteSocketAddress() + ": an invalid request");
    } catch (SocketException e) {
      // Reset by the client, or closed by the server.
    } catch (IOException e) {
      Log.info("closed " + socket.getRemoteSocketAddress() + ": " + e.getMessage());
    }
  }

  private void take(int kind, int id, byte[] body, boolean more) throws IOException {
    long start = System.nanoTime();
    if (serve(kind, id, body, false, start, more)) {
      stats.warm.increment();
      return;
    }
    try {
      pool.execute(
          () -> {
            try {
              serve(kind, id, body, true, start, false);
            } catch (BufferUnderflowException | IOException e) {
              close();
            }
          });
    } catch (RejectedExecutionException e) {
      send(Code.FAILED, id, new WireOut().text("the server is stopping"), false);
    }
    flush();
  }

  private boolean serve(int kind, int id, byte[] body, boolean cold, long start, boolean more)
      throws IOException {
    WireOut answer = new WireOut();
    Code code = Code.OK;
    try {
      if (!requests.answer(kind, body, cold, answer)) return false;
    } catch (LookupException e) {
      code = e.code;
      answer = new WireOut().text(e.getMessage());
    } catch (BufferUnderflowException e) {
      throw e;
    } catch (IOException | RuntimeException | Error e) {
      Log.error("a lookup failed", e);
      code = Code.FAILED;
      answer = new WireOut().text(String.valueOf(e.getMessage()));
    }
    stats.requests.increment();
    send(code, id, answer, more);
    stats.took(System.nanoTime() - start);
    return true;
  }

  private void send(Code code, int id, WireOut answer, boolean more) throws IOException {
    ByteBuffer head = ByteBuffer.allocate(4 + HEAD).order(ByteOrder.LITTLE_ENDIAN);
    head.putInt(HEAD + answer.size()).put((byte) code.wire).put(new byte[3]).putInt(id);
    synchronized (out) {
      out.write(head.array());
      out.write(answer.array(), 0, answer.size());
      if (!more) out.flush();
    }
  }

  private void flush() throws IOException {
    synchronized (out) {
      out.flush();
    }
  }

  void close() {
    try {
      socket.close();
    } catch (IOException e) {
      // It is already closed.
    }
  }
}
