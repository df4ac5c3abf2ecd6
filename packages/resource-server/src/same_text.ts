import { timingSafeEqual } from 'node:crypto';

/** Whether two texts are equal, found out in a time that tells nothing but their lengths. */
export function sameText(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}
