// https://github.com/geelen/mcp-remote#usage: what `npx mcp-remote URL` runs.
import 'mcp-remote/dist/proxy.js';
