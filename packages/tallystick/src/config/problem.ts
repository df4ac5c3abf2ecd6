import { z } from 'zod';

/** One wrong value in the configuration. */
export interface Problem {
  readonly path: readonly PropertyKey[];
  /** Begins with `expected`. */
  readonly expected: string;
  /** The value, or only its type if it may be a secret. */
  readonly found: string;
}

type Issue = z.core.$ZodIssue;

/** Names of values that are never shown, including everything below them. */
const SECRET = new Set(['secret', 'client_secret', 'password', 'jwks', 'jwk', 'signingKey', 'key', 'privateKey']);

/** Paths of values that may contain a password. */
const WITH_SECRETS = new Set(['store.url', 'store.tls', 'store.sentinel']);

const KINDS: Readonly<Record<string, string>> = { record: 'object', int: 'integer', nan: 'number' };

/** Units of the limits of a value. */
const UNITS: Readonly<Record<string, readonly [one: string, many: string]>> = {
  string: [' character', ' characters'],
  array: [' entry', ' entries'],
};

/** Maximum length of a shown value, in characters. */
const LONGEST = 80;

/** Turns an issue of zod into problems. @param schema that reported it */
export function problemsOf(issue: Issue, schema: z.ZodType): Problem[] {
  return problemsBelow([], issue, schema);
}

function problemsBelow(above: readonly PropertyKey[], issue: Issue, schema: z.ZodType): Problem[] {
  const path = [...above, ...issue.path];
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = namesAt(path, schema);
      const expected = known.length > 0 ? `expected one of the names ${known.join(', ')}` : 'expected no value here';
      const values = issue.input as Readonly<Record<string, unknown>> | undefined;
      // The value of a misspelt name may be a secret.
      return issue.keys.map((key) => ({ path: [...path, key], expected, found: kindOf(values?.[key]) }));
    }
    case 'invalid_union':
      return problemsOfUnion(path, issue, schema);
    case 'invalid_key': {
      const [reason] = issue.issues;
      const expected = reason ? expectationOf(reason) : 'expected another name';
      return [{ path, expected, found: JSON.stringify(path.at(-1)) }];
    }
    default:
      return [{ path, expected: expectationOf(issue), found: foundAt(path, issue) }];
  }
}

/** Whether the value has the type of this alternative of a union. */
function isOfKind(alternative: readonly Issue[]): boolean {
  return !alternative.some(({ code, path }) => code === 'invalid_type' && path.length === 0);
}

/** Reports the only alternative of the value's type, or the one that matched deepest; if none matched at all, the error names all of them. */
function problemsOfUnion(
  path: readonly PropertyKey[],
  issue: z.core.$ZodIssueInvalidUnion,
  schema: z.ZodType,
): Problem[] {
  const depthOf = (alternative: readonly Issue[]) =>
    alternative.reduce((deepest, each) => Math.max(deepest, each.path.length), 0);
  const ofThisKind = issue.errors.filter(isOfKind);
  if (issue.errors.length > 1 && ofThisKind.length === 1 && !issue.message.startsWith('expected'))
    return ofThisKind.flat().flatMap((each) => problemsBelow(path, each, schema));
  const [meant] = [...issue.errors].sort((a, b) => depthOf(b) - depthOf(a));
  if (meant === undefined) return [{ path, expected: expectationOf(issue), found: foundAt(path, issue) }];
  if (depthOf(meant) > 0) return meant.flatMap((each) => problemsBelow(path, each, schema));
  if (issue.message.startsWith('expected')) return [{ path, expected: issue.message, found: foundAt(path, issue) }];
  const expectations = issue.errors.flat().map((each) => expectationOf(each).replace(/^expected /, ''));
  return [{ path, expected: `expected ${[...new Set(expectations)].join(', or ')}`, found: foundAt(path, issue) }];
}

function expectationOf(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${KINDS[issue.expected] ?? issue.expected}`;
    case 'too_small':
      return `expected ${issue.inclusive === false ? 'more than' : 'at least'} ${amount(issue.minimum, issue.origin)}`;
    case 'too_big':
      return `expected ${issue.inclusive === false ? 'less than' : 'at most'} ${amount(issue.maximum, issue.origin)}`;
    case 'invalid_format':
      return issue.message.startsWith('expected') ? issue.message : `expected a ${issue.format.toUpperCase()}`;
    default:
      return issue.message.replace(/^Invalid (input|option): /, '');
  }
}

function amount(count: number | bigint, origin: string): string {
  const [one, many] = UNITS[origin] ?? ['', ''];
  return `${count}${count === 1 ? one : many}`;
}

function foundAt(path: readonly PropertyKey[], { input, code, ...issue }: Issue): string {
  if (input === undefined) return 'nothing';
  const isSecret = path.some((step) => SECRET.has(String(step))) || WITH_SECRETS.has(path.join('.'));
  if (isSecret) return `[redacted] (${kindOf(input)})`;
  // Text in place of an object may contain a secret.
  const inPlaceOfMany =
    code === 'invalid_type' && ['object', 'record'].includes(String(Reflect.get(issue, 'expected')));
  if (typeof input === 'string' && inPlaceOfMany) return kindOf(input);
  const isShown = Array.isArray(input) ? input.every(isSimple) : isSimple(input);
  return isShown ? withoutCredentials(JSON.stringify(input)).slice(0, LONGEST) : kindOf(input);
}

function isSimple(value: unknown): boolean {
  return value === null || typeof value !== 'object';
}

/** User information of a URL (RFC 3986 section 3.2.1). */
function withoutCredentials(text: string): string {
  return text.replace(/\/\/[^/@]*@/g, '//[redacted]@');
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  const kind = Array.isArray(value) ? 'array' : typeof value;
  return `${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind}`;
}

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly anyOf?: readonly SchemaNode[];
}

/** The names that are known at a path. */
function namesAt(path: readonly PropertyKey[], schema: z.ZodType): string[] {
  const root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as SchemaNode;
  const nodes = path.reduce<SchemaNode[]>((above, step) => above.flatMap((node) => below(node, step)), withParts(root));
  return [...new Set(nodes.flatMap(({ properties = {} }) => Object.keys(properties)))];
}

function below({ properties, items, additionalProperties }: SchemaNode, step: PropertyKey): SchemaNode[] {
  const others = typeof additionalProperties === 'object' ? additionalProperties : undefined;
  const next = typeof step === 'number' ? items : (properties?.[String(step)] ?? others);
  return next === undefined ? [] : withParts(next);
}

function withParts(node: SchemaNode): SchemaNode[] {
  return [node, ...(node.anyOf ?? []).flatMap(withParts)];
}
