/**
 * Dependencies that put something into the global scope when they are loaded. A library must not: its users may have the same
 * dependency, in another version or with other settings.
 */
const RULES = [
  {
    // zod shares its locale and its registry of schemas through globalThis.
    file: /\/zod\/v4\/core\/(core|registries)\.js$/,
    rewrite: (code) => `const ownGlobals = {};\n${code.replaceAll('globalThis', 'ownGlobals')}`,
    expected: 'globalThis',
  },
  {
    // undici makes its own agent the one of the built-in fetch.
    file: /\/undici\/lib\/global\.js$/,
    rewrite: (code) => code.replaceAll('Symbol.for(', 'Symbol('),
    expected: 'Symbol.for(',
  },
];

/** A plugin of rolldown. It fails if a file has changed so that its rule does nothing. */
export function keepGlobals() {
  return {
    name: 'keep-globals',
    /**
     * @param {string} code
     * @param {string} id
     */
    transform(code, id) {
      const rule = RULES.find(({ file }) => file.test(id));
      if (rule === undefined) return undefined;
      if (!code.includes(rule.expected)) throw new Error(`${id} does not contain ${rule.expected}`);
      return rule.rewrite(code);
    },
  };
}
