import { expect } from '@jest/globals';

/** Everything that was logged in a world, and every token that a client held in it. */
export interface CapturedLog {
  write(text: string): void;
  text(): string;
  /** Notes tokens, codes or cookies that must not be logged. */
  secret(...values: (string | null | undefined)[]): void;
  expectNoSecret(): void;
}

export function captureLog(): CapturedLog {
  const lines: string[] = [];
  const secrets = new Set<string>();
  return {
    write: (text) => void lines.push(text),
    text: () => lines.join(''),
    secret(...values) {
      for (const value of values) if (value) secrets.add(value);
    },
    expectNoSecret() {
      const text = lines.join('');
      expect([...secrets].filter((secret) => text.includes(secret))).toEqual([]);
      expect(text).not.toMatch(/eyJ[\w-]+\.eyJ/);
    },
  };
}
