import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';

const text = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

test('The README describes each folder', () => {
  const folders = readdirSync(new URL('.', import.meta.url), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  expect(folders.filter(({ name }) => !text.includes(`\`${name}/\``))).toEqual([]);
});
