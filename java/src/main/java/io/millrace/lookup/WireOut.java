package io.millrace.lookup;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** A growing little-endian buffer. */
final class WireOut {
  private ByteBuffer buffer = ByteBuffer.allocate(1024).order(ByteOrder.LITTLE_ENDIAN);

  private void need(int bytes) {
    if (buffer.remaining() >= bytes) return;
    byte[] more =
        Arrays.copyOf(buffer.array(), Math.max(buffer.capacity() * 2, buffer.position() + bytes));
    int at = buffer.position();
    buffer = ByteBuffer.wrap(more).order(ByteOrder.LITTLE_ENDIAN);
    buffer.position(at);
  }

  WireOut u8(int value) {
    need(1);
    buffer.put((byte) value);
    return this;
  }

  WireOut u32(int value) {
    need(4);
    buffer.putInt(value);
    return this;
  }

  WireOut f64(double value) {
    need(8);
    buffer.putDouble(value);
    return this;
  }

  WireOut bytes(byte[] from, int offset, int length) {
    need(length);
    buffer.put(from, offset, length);
    return this;
  }

  WireOut text(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    return u32(utf8.length).bytes(utf8, 0, utf8.length);
  }

  /** Zeros up to a multiple of eight from the start. */
  WireOut align() {
    while (buffer.position() % 8 != 0) u8(0);
    return this;
  }

  int size() {
    return buffer.position();
  }

  byte[] array() {
    return buffer.array();
  }
}
