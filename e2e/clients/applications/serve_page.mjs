// Serves a page with one of the scripts in this folder, bundled for browsers.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { listen } from './application.mjs';

const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL(String(process.argv[2]), import.meta.url))],
  bundle: true,
  format: 'esm',
  write: false,
  jsx: 'automatic',
  define: { 'process.env.NODE_ENV': '"production"' },
});
const page =
  '<!doctype html><html lang="en"><title>A page</title><body><main></main><script type="module" src="/page.js"></script>';

listen((request, response) => {
  if (request.url === '/page.js') response.setHeader('Content-Type', 'text/javascript').end(outputFiles[0].contents);
  else response.setHeader('Content-Type', 'text/html; charset=utf-8').end(page);
});
