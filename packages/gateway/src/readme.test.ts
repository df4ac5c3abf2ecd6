import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';

const readme = new URL('../README.md', import.meta.url);
const text = readFileSync(readme, 'utf8');

test('Every file that the README links exists', () => {
  const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link = '']) => link);
  expect(links.length).toBeGreaterThan(20);
  expect(links.filter((link) => !existsSync(new URL(link, readme)))).toEqual([]);
});

test('Every function that the README names is in the file that it links beside it', () => {
  const named = [...text.matchAll(/`(\w+)` in \[[^\]]*\]\(([^)]+)\)/g)];
  expect(named.length).toBeGreaterThan(3);
  for (const [, name = '', link = ''] of named) expect(readFileSync(new URL(link, readme), 'utf8')).toContain(name);
});

test('The README describes each folder', () => {
  const folders = readdirSync(new URL('.', import.meta.url), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  expect(folders.filter(({ name }) => !text.includes(`\`${name}/\``))).toEqual([]);
});
