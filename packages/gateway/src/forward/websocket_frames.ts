import { randomBytes } from 'node:crypto';

/** Tracks where the frames of one direction of a WebSocket begin and end (RFC 6455 section 5.2). It does not read their payload. */
export interface FrameFollower {
  /** Takes the next bytes of this direction. */
  follow(chunk: Buffer): void;
  /** No frame is incomplete, so another frame can be inserted. */
  readonly isBetweenFrames: boolean;
}

export function createFrameFollower(): FrameFollower {
  let header = Buffer.alloc(0);
  /** Remaining bytes of the frame's payload. */
  let payload = 0;

  return {
    follow(chunk) {
      let rest = chunk;
      while (rest.length > 0) {
        if (payload > 0) {
          const part = Math.min(payload, rest.length);
          payload -= part;
          rest = rest.subarray(part);
          continue;
        }
        const missing = headerLength(header) - header.length;
        header = Buffer.concat([header, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (header.length < headerLength(header)) continue;
        payload = payloadLength(header);
        header = Buffer.alloc(0);
      }
    },
    get isBetweenFrames() {
      return payload === 0 && header.length === 0;
    },
  };
}

/** The length of a header, as far as its first bytes determine it. It may grow with more bytes. */
function headerLength(header: Buffer): number {
  if (header.length < 2) return 2;
  const second = header.readUInt8(1);
  const length = second & 0x7f;
  return 2 + (length === 127 ? 8 : length === 126 ? 2 : 0) + (second & 0x80 ? 4 : 0);
}

function payloadLength(header: Buffer): number {
  const length = header.readUInt8(1) & 0x7f;
  if (length === 127) return Number(header.readBigUInt64BE(2));
  return length === 126 ? header.readUInt16BE(2) : length;
}

/** RFC 6455 section 7.4.1: an endpoint is going away. */
export const GOING_AWAY = 1001;

/** The reason for closing a WebSocket (RFC 6455 section 7.1.6). */
export interface CloseReason {
  /** RFC 6455 section 7.4. */
  readonly code: number;
  /** At most 123 bytes of UTF-8. */
  readonly text?: string;
}

/**
 * Creates a close frame (RFC 6455 section 5.5.1).
 *
 * @param to `client`: unmasked, as from a server. `server`: masked, as from a client (section 5.3)
 */
export function closeFrame(to: 'client' | 'server', { code, text = '' }: CloseReason): Buffer {
  const payload = Buffer.concat([Buffer.of(code >> 8, code & 0xff), Buffer.from(text)]);
  if (to === 'client') return Buffer.concat([Buffer.of(0x88, payload.length), payload]);
  const mask = randomBytes(4);
  const masked = payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return Buffer.concat([Buffer.of(0x88, 0x80 | payload.length), mask, masked]);
}
