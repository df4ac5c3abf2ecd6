import { readFileSync } from 'node:fs';

const HOW_TO = readFileSync(new URL('../../../../docs/how-to/redis.md', import.meta.url), 'utf8');

/** The documented rules for a user, with another prefix. @param uses further uses, as in the table of the documentation */
export function documentedAcl(user: 'gateway' | 'authorization-server', prefix: string, uses: readonly string[] = []) {
  const [, rules = ''] = new RegExp(`^user ${user} (.*)$`, 'm').exec(HOW_TO) ?? [];
  return [rules, ...uses.map(rulesFor)].flatMap((text) => split(text.replaceAll('tallystick:', prefix)));
}

function rulesFor(use: string): string {
  const row = HOW_TO.split('\n').find((line) => line.startsWith(`| ${use}`));
  const [, rules] = /`([^`]*)` \|$/.exec(row ?? '') ?? [];
  if (rules === undefined) throw new Error(`the documentation has no rules for "${use}"`);
  return rules.replaceAll('\\|', '|');
}

/** Splits rules. A selector, which is in parentheses, is one rule. */
function split(rules: string): string[] {
  return rules.match(/\([^)]*\)|\S+/g) ?? [];
}
