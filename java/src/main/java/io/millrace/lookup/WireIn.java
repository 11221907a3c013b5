package io.millrace.lookup;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * A request's bytes, little-endian. Reading past the end throws BufferUnderflowException, which
 * closes the connection.
 */
final class WireIn {
  private final ByteBuffer buffer;

  WireIn(byte[] bytes) {
    buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  int u8() {
    return buffer.get() & 0xff;
  }

  int u32() {
    int value = buffer.getInt();
    if (value < 0) throw new BufferUnderflowException();
    return value;
  }

  double f64() {
    return buffer.getDouble();
  }

  long whole() {
    return (long) buffer.getDouble();
  }

  void mark() {
    buffer.mark();
  }

  void reset() {
    buffer.reset();
  }

  int position() {
    return buffer.position();
  }

  byte[] bytes(int length) {
    if (length > buffer.remaining()) throw new BufferUnderflowException();
    byte[] bytes = new byte[length];
    buffer.get(bytes);
    return bytes;
  }

  byte[] slice(int from, int to) {
    byte[] bytes = new byte[to - from];
    System.arraycopy(buffer.array(), from, bytes, 0, bytes.length);
    return bytes;
  }

  String text() {
    return new String(bytes(u32()), StandardCharsets.UTF_8);
  }
}
