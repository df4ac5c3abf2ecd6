import { expect, test } from '@jest/globals';
import { createFrameFollower } from './websocket_frames.ts';

const payload = (length: number) => Buffer.alloc(length, 'x');
const long = (length: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return bytes;
};

test.each([
  ['an empty one', Buffer.of(0x81, 0)],
  ['a short one', Buffer.concat([Buffer.of(0x81, 5), payload(5)])],
  ['a masked one', Buffer.concat([Buffer.of(0x82, 0x80 | 5, 1, 2, 3, 4), payload(5)])],
  ['one of 16 bits', Buffer.concat([Buffer.of(0x82, 126, 1, 0), payload(256)])],
  ['a masked one of 16 bits', Buffer.concat([Buffer.of(0x82, 0x80 | 126, 1, 0, 9, 9, 9, 9), payload(256)])],
  ['one of 64 bits', Buffer.concat([Buffer.of(0x82, 127), long(70_000), payload(70_000)])],
])('a frame ends with its last byte: %s', (_what, frame) => {
  const whole = createFrameFollower();
  whole.follow(Buffer.concat([frame, frame]));
  expect(whole.isBetweenFrames).toBe(true);

  const byByte = createFrameFollower();
  const ends = new Set([frame.length - 1, 2 * frame.length - 1]);
  for (const [index, byte] of Buffer.concat([frame, frame]).entries()) {
    byByte.follow(Buffer.of(byte));
    if (byByte.isBetweenFrames !== ends.has(index)) throw new Error(`wrong after byte ${index}`);
  }
});
