import { didYouMean } from '@tallystick/common';
import { jsonSchema } from './config_schema.ts';

/** A value of the configuration that an environment variable can set. */
export interface Override {
  /** `TALLYSTICK_STORE_URL` for `store.url`. */
  readonly variable: string;
  readonly path: readonly string[];
  readonly type: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

interface SchemaNode {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
}

const PREFIX = 'TALLYSTICK_';

/**
 * Names that Kubernetes and Docker set in a container for each service beside it. A service named `tallystick` would otherwise
 * stop every container of its namespace.
 */
const SERVICE_LINK =
  /_SERVICE_(?:HOST|PORT(?:_\w+)?)$|_PORT_\d+_(?:TCP|UDP)(?:_(?:PROTO|PORT|ADDR))?$|^TALLYSTICK_PORT$/;

/** The variable with a whole configuration, for containers. */
export const CONFIG_VARIABLE = 'TALLYSTICK_CONFIG';

/** The environment variable that sets the value at a path. */
export function variableFor(path: readonly string[]): string {
  return PREFIX + path.map((step) => step.replace(/[A-Z]/g, '_$&').toUpperCase()).join('_');
}

/** An environment variable can set every single value by its path, and every whole list or record as JSON. */
export function overridable(node: SchemaNode = jsonSchema() as SchemaNode, path: readonly string[] = []): Override[] {
  if (node.properties)
    return Object.entries(node.properties).flatMap(([name, child]) =>
      name === '$schema' ? [] : overridable(child, [...path, name]),
    );
  return [{ variable: variableFor(path), path, type: node.type }];
}

/**
 * @returns a copy of the configuration with the values of the environment, and a description of each variable that is unknown or
 * has no JSON where a list or a record belongs
 */
export function applyEnvironment(
  config: unknown,
  environment: Environment,
): { readonly config: unknown; readonly problems: readonly string[] } {
  const changed = structuredClone(config ?? {}) as Record<string, unknown>;
  if (typeof changed !== 'object' || Array.isArray(changed)) return { config, problems: [] }; // Validation refuses it.
  const given = Object.keys(environment).filter(
    (name) => name.startsWith(PREFIX) && name !== CONFIG_VARIABLE && environment[name] !== undefined,
  );
  if (given.length === 0) return { config: changed, problems: [] };
  const overrides = overridable();
  const problems = given.flatMap((name) => findUnknown(name, overrides));
  for (const { variable, path, type } of overrides) {
    const text = environment[variable];
    if (text === undefined) continue;
    const value = parse(text, type);
    if (isOfKind(value, type)) set(changed, path, value);
    // The text may contain secrets, so the error does not show it.
    else problems.push(`${path.join('.')}: expected a JSON ${type}; found other text in ${variable}`);
  }
  return { config: changed, problems };
}

function findUnknown(name: string, overrides: readonly Override[]): string[] {
  const known = overrides.map(({ variable }) => variable);
  if (known.includes(name) || SERVICE_LINK.test(name)) return [];
  return [`${name}: unknown environment variable${didYouMean(name, known)}`];
}

/** @returns the environment variable that set the value at a path or one above it, if one did */
export function variableOf(path: readonly PropertyKey[], environment: Environment): string | undefined {
  const name = `${path.join('.')}.`;
  return overridable().find(
    (known) => environment[known.variable] !== undefined && name.startsWith(`${known.path.join('.')}.`),
  )?.variable;
}

function set(target: Record<string, unknown>, [first, ...rest]: readonly string[], value: unknown): void {
  if (first === undefined) return;
  if (rest.length === 0) {
    target[first] = value;
    return;
  }
  const child = target[first];
  const next = typeof child === 'object' && child !== null ? (child as Record<string, unknown>) : {};
  target[first] = next;
  set(next, rest, value);
}

/** Text that is not of the expected single type stays text, and validation refuses it with its path. */
function parse(text: string, type: string | undefined): unknown {
  if ((type === 'integer' || type === 'number') && text.trim() !== '' && Number.isFinite(Number(text)))
    return Number(text);
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  const mayBeJson = type === 'array' || type === 'object' || (type === undefined && /^\s*[[{]/.test(text));
  return mayBeJson ? parseJson(text) : text;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function isOfKind(value: unknown, type: string | undefined): boolean {
  if (type === 'array') return Array.isArray(value);
  return type !== 'object' || (typeof value === 'object' && value !== null && !Array.isArray(value));
}
