/** Tests run from TypeScript source: SWC strips the types, the `@tallystick/source` export condition resolves the packages. */
export default {
  rootDir: import.meta.dirname ?? new URL('.', import.meta.url).pathname,
  roots: ['<rootDir>/packages', '<rootDir>/e2e'],
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['@tallystick/source', 'node', 'node-addons'] },
  testMatch: ['**/*.test.ts'],
  modulePathIgnorePatterns: ['/dist/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  setupFiles: ['<rootDir>/jest.setup.js'],
  testTimeout: 30_000,
};
