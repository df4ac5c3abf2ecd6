import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Licences (SPDX) that allow the code to be part of a package under Apache-2.0. */
const COMPATIBLE = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'ISC', 'MIT'];

/** Files with terms or attributions. */
const LEGAL = /^(licen[cs]e|notice|copying|third-party-notices)(\.|-|$)/i;

/**
 * Collects the licences of the packages whose code is bundled.
 *
 * @param {string[]} files the bundled source files, absolute
 * @returns {string}
 * @throws {Error} a licence is missing, or not known to be compatible
 */
export function thirdPartyNotices(files) {
  const folders = [...new Set(files.flatMap(packageFolder))];
  const packages = folders.map(describe).sort((a, b) => a.title.localeCompare(b.title));
  const unique = new Map(packages.map((each) => [each.title, each]));
  const heading = 'This package contains code of the packages below, under their own licences.\n';
  return [heading, ...[...unique.values()].map(({ title, text }) => `${title}\n\n${text}\n`)].join(
    `\n${'-'.repeat(80)}\n\n`,
  );
}

/** @param {string} file @returns {string[]} the folder of the package from the registry that the file belongs to */
function packageFolder(file) {
  const [, folder] = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file.replaceAll(path.sep, '/')) ?? [];
  return folder === undefined ? [] : [folder];
}

/** @param {string} folder */
function describe(folder) {
  const { name, version, license } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  if (!COMPATIBLE.includes(license))
    throw new Error(`${name} ${version}: the licence ${license} is not known to be compatible`);
  return { title: `${name} ${version} (${license})`, text: legalText(folder, { name, license }) };
}

/** @param {string} folder */
function legalText(folder, { name, license }) {
  const files = readdirSync(folder)
    .filter((file) => LEGAL.test(file))
    .sort();
  if (files.length > 0) return files.map((file) => readFileSync(path.join(folder, file), 'utf8').trim()).join('\n\n');
  const inReadme = licenceInReadme(folder);
  if (inReadme === undefined) throw new Error(`${name}: no text of the licence ${license}`);
  return inReadme;
}

/** @param {string} folder */
function licenceInReadme(folder) {
  const [readme] = readdirSync(folder).filter((file) => /^readme/i.test(file) && existsSync(path.join(folder, file)));
  const text = readme === undefined ? '' : readFileSync(path.join(folder, readme), 'utf8');
  return /^#+ *licen[cs]e[^\n]*\n+([\s\S]+)/im.exec(text)?.[1].trim();
}
