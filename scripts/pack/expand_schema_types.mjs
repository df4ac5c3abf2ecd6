import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SyntaxKind } from 'typescript/unstable/ast';
import { API } from 'typescript/unstable/sync';

/** Do not shorten; expand the alias itself; one property a line. */
const FORMAT = 1 | 8_388_608 | 1_024;

/**
 * Writes out each type that is inferred from a zod schema, so that the declarations do not need zod.
 *
 * @param {string} file declarations of a whole package, beside which zod can be resolved
 * @returns {string} the declarations without zod
 */
export function expandSchemaTypes(file) {
  const text = readFileSync(file, 'utf8');
  const config = path.join(path.dirname(file), 'tsconfig.json');
  const compilerOptions = { module: 'NodeNext', target: 'ES2023', strict: true, exactOptionalPropertyTypes: true };
  writeFileSync(config, JSON.stringify({ compilerOptions: { ...compilerOptions, types: ['node'] }, files: [file] }));
  const api = new API({ cwd: path.dirname(file) });
  try {
    const [project] = api.updateSnapshot({ openProject: config }).getProjects();
    return expand(text, project.program.getSourceFile(file), project.checker);
  } finally {
    api.close();
    rmSync(config);
  }
}

/**
 * @param {string} text
 * @param {import('typescript/unstable/ast').SourceFile} sourceFile
 * @param {import('typescript/unstable/sync').Checker} checker
 */
function expand(text, sourceFile, checker) {
  const textOf = (node) => text.slice(node.pos, node.end);
  const schemas = sourceFile.statements.filter((statement) => isAboutZod(statement, textOf(statement)));
  const names = schemas.flatMap(declaredNames);
  const inferred = new RegExp(`\\b(?:${['z', ...names].join('|')})\\b`);
  const edits = schemas.map(({ pos, end }) => ({ pos, end, replacement: '' }));

  function visit(node) {
    const { type } = node;
    if (type !== undefined && inferred.test(textOf(type))) {
      edits.push({ pos: type.pos, end: type.end, replacement: ` ${print(node)}` });
      return;
    }
    node.forEachChild(visit);
  }

  function print(node) {
    const isAlias = node.kind === SyntaxKind.TypeAliasDeclaration;
    const type = isAlias
      ? checker.getDeclaredTypeOfSymbol(checker.getSymbolAtLocation(node.name))
      : checker.getTypeFromTypeNode(node.type);
    return checker.typeToString(type, sourceFile, FORMAT);
  }

  for (const statement of sourceFile.statements) if (!schemas.includes(statement)) visit(statement);
  return applyEdits(text, edits);
}

/** The import of zod, a schema, or a generic type for schemas. */
function isAboutZod({ kind, typeParameters }, text) {
  if (kind === SyntaxKind.ImportDeclaration) return /['"]zod['"]/.test(text);
  if (kind === SyntaxKind.VariableStatement) return /:\s*z\./.test(text);
  return kind === SyntaxKind.TypeAliasDeclaration && typeParameters !== undefined && /\bz\./.test(text);
}

/** @returns {string[]} */
function declaredNames({ kind, name, declarationList }) {
  if (kind === SyntaxKind.VariableStatement) return declarationList.declarations.map((each) => each.name.text);
  return name === undefined ? [] : [name.text];
}

/**
 * @param {string} text
 * @param {{ pos: number, end: number, replacement: string }[]} edits none overlaps another
 */
function applyEdits(text, edits) {
  let result = text;
  for (const { pos, end, replacement } of edits.sort((a, b) => b.pos - a.pos)) {
    result = result.slice(0, pos) + replacement + result.slice(end);
  }
  return result;
}
