import { expect } from '@jest/globals';

/** The log of a world, and all tokens that clients held in it. */
export interface CapturedLog {
  write(text: string): void;
  text(): string;
  /** Registers tokens, codes or cookies that must not be logged. */
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
