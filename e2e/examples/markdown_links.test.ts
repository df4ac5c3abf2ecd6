import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { ROOT } from '../support/worlds/run_command.ts';

const NOT_OURS = new Set(['node_modules', 'dist', '.git']);

const files = await markdownFiles(ROOT);
const relativeNames = files.map((file) => path.relative(ROOT, file));

test('The repository has Markdown files in its root, in docs and in the packages', () => {
  expect(relativeNames).toEqual(
    expect.arrayContaining(['README.md', 'docs/architecture.md', 'packages/gateway/README.md']),
  );
});

test.each(relativeNames)('Every relative link in %s leads to an existing file and heading', async (name) => {
  const broken: string[] = [];
  for (const link of relativeLinks(await readProse(path.join(ROOT, name)))) {
    if (!(await leadsSomewhere(path.join(ROOT, name), link))) broken.push(link);
  }
  expect(broken).toEqual([]);
});

test.each(relativeNames)('Every identifier that %s names beside a link is in the linked file', async (name) => {
  const prose = await readProse(path.join(ROOT, name));
  for (const [, identifier = '', link = ''] of prose.matchAll(/`(\w+)`\s+in\s+\[[^\]]*\]\(([^)#\s]+)\)/g)) {
    const target = path.resolve(ROOT, path.dirname(name), link);
    if ((await stat(target)).isDirectory()) continue;
    expect({ identifier, link, text: await readFile(target, 'utf8') }).toEqual({
      identifier,
      link,
      text: expect.stringContaining(identifier),
    });
  }
});

test.each([
  ['## The `split` style', 'the-split-style'],
  ['# HTTPS, and [links](a.md)!', 'https-and-links'],
  ['## a_b: C-d', 'a_b-c-d'],
])('A heading gets the anchor that GitHub gives it: %s', (heading, anchor) => {
  expect(anchorsOf(heading)).toEqual([anchor]);
});

test('Of two equal headings, the second gets a numbered anchor', () => {
  expect(anchorsOf('# Same\n## Same')).toEqual(['same', 'same-1']);
});

async function markdownFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found = entries.map((entry) => {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : markdownFiles(file);
    return entry.isFile() && entry.name.endsWith('.md') ? [file] : [];
  });
  return (await Promise.all(found)).flat().sort();
}

/** The text without code blocks, where a `#` starts no heading. */
async function readProse(file: string): Promise<string> {
  return (await readFile(file, 'utf8')).replace(/^```.*?^```/gms, '');
}

/** Links without a scheme. */
function relativeLinks(prose: string): string[] {
  return [...prose.matchAll(/\]\((?![a-z][a-z0-9+.-]*:)([^)\s]+)\)/gi)].map(([, link]) => String(link));
}

async function leadsSomewhere(from: string, link: string): Promise<boolean> {
  const [target = '', anchor] = link.split('#', 2);
  const file = target === '' ? from : path.resolve(path.dirname(from), target);
  if (!existsSync(file)) return false;
  return anchor === undefined || anchorsOf(await readProse(file)).includes(anchor);
}

/** The anchors that GitHub gives to headings. */
function anchorsOf(prose: string): string[] {
  const used = new Map<string, number>();
  return [...prose.matchAll(/^#{1,6} +(.*)$/gm)].map(([, heading]) => {
    const slug = slugOf(String(heading));
    const uses = used.get(slug) ?? 0;
    used.set(slug, uses + 1);
    return uses === 0 ? slug : `${slug}-${uses}`;
  });
}

function slugOf(heading: string): string {
  const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').trim();
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');
}
