import { jsonSchema } from './config_schema.ts';

/** A value of the configuration that an environment variable can set. */
export interface Override {
  /** `TALLYSTICK_STORE_URL` for `store.url`. */
  readonly variable: string;
  readonly path: readonly string[];
  readonly type: string | undefined;
}

interface SchemaNode {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
}

/** Every single value outside lists can be set by an environment variable named after its path. */
export function overridable(node: SchemaNode = jsonSchema() as SchemaNode, path: readonly string[] = []): Override[] {
  if (node.properties)
    return Object.entries(node.properties).flatMap(([name, child]) => overridable(child, [...path, name]));
  if (node.type === 'array' || node.type === 'object') return [];
  const variable = ['TALLYSTICK', ...path.map((step) => step.replace(/[A-Z]/g, '_$&').toUpperCase())].join('_');
  return [{ variable, path, type: node.type }];
}

/** @returns a copy of the configuration with the values of the environment */
export function applyEnvironment(config: unknown, environment: Readonly<Record<string, string | undefined>>): unknown {
  const changed = structuredClone(config ?? {}) as Record<string, unknown>;
  if (!Object.keys(environment).some((name) => name.startsWith('TALLYSTICK_'))) return changed;
  for (const { variable, path, type } of overridable()) {
    const text = environment[variable];
    if (text !== undefined) set(changed, path, parse(text, type));
  }
  return changed;
}

/** @returns the environment variable that set the value at a path, if one did */
export function variableOf(
  path: readonly PropertyKey[],
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const name = path.join('.');
  return overridable().find((known) => environment[known.variable] !== undefined && known.path.join('.') === name)
    ?.variable;
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

/** Text that is not of the expected type stays text, and validation refuses it with its path. */
function parse(text: string, type: string | undefined): unknown {
  if ((type === 'integer' || type === 'number') && text.trim() !== '' && Number.isFinite(Number(text)))
    return Number(text);
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}
