import { randomBytes } from 'node:crypto';

/** UUID version 7 (RFC 9562 section 5.7). */
const UUID_V7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * Creates the `jti` of a JWT without a record. It contains the time when the request began, in milliseconds. The seconds of
 * `iat` are too coarse to distinguish a token of a removed client from one of a new client with the same identifier.
 *
 * @param time epoch milliseconds
 */
export function timedJwtId(time: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Math.floor(time), 0, 6);
  bytes.writeUInt8(0x70 | (bytes.readUInt8(6) & 0x0f), 6);
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** @returns epoch milliseconds; undefined for the `jti` of a JWT with a reference token */
export function timeOfJwtId(jti: unknown): number | undefined {
  const [, high, low] = (typeof jti === 'string' && UUID_V7.exec(jti)) || [];
  return high === undefined || low === undefined ? undefined : Number.parseInt(high + low, 16);
}
