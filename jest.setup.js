// oidc-provider says once in every test file that it would rather run on Node.js 22. It does run on 20, and says so at every start.
const { warn } = console;
console.warn = (...args) => {
  if (!String(args[0]).startsWith('oidc-provider WARNING: Unsupported runtime')) warn.apply(console, args);
};
