import { hash, timingSafeEqual } from 'node:crypto';

/** Whether two texts are equal. The time that the comparison takes tells nothing about where they differ, or about their lengths. */
export function sameText(one: string, other: string): boolean {
  return timingSafeEqual(hash('sha256', one, 'buffer'), hash('sha256', other, 'buffer'));
}
