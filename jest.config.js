/** Tests run from TypeScript source: SWC strips the types, the `@tallystick/source` export condition resolves the packages. */
const project = {
  rootDir: import.meta.dirname ?? new URL('.', import.meta.url).pathname,
  testEnvironment: '<rootDir>/jest.environment.js',
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
};

export default {
  projects: [
    {
      ...project,
      displayName: 'tallystick',
      roots: ['<rootDir>/packages', '<rootDir>/e2e'],
      testPathIgnorePatterns: ['<rootDir>/e2e/clients/', '<rootDir>/e2e/packages/'],
    },
    // The slow ones, which need browsers, servers and packages of others: `npm test -- --selectProjects clients`.
    { ...project, displayName: 'clients', roots: ['<rootDir>/e2e/clients', '<rootDir>/e2e/packages'] },
  ],
  // Ends a test that hangs. No test has a limit of its own: how long one takes depends on the machine.
  testTimeout: 300_000,
  // Jest cannot free the modules of a test file that is over, and what they leave behind slows down each promise of the next one
  // on Node.js 20 and 22. A worker that has grown is replaced between two files.
  workerIdleMemoryLimit: '160MB',
};
