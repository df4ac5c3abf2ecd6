// Generates what the package contains: the JSON Schema of the configuration, and the demo configuration as a module.
// Tests check that both are current.
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './workspace/root.mjs';

const folder = path.join(root, 'packages/tallystick');
const { parse } = createRequire(path.join(folder, 'package.json'))('yaml');
const { jsonSchema } = await import(pathToFileURL(path.join(folder, 'dist/config/config_schema.js')).href);

await writeFile(path.join(folder, 'schema.json'), JSON.stringify(jsonSchema(), null, 2));

const demo = parse(await readFile(path.join(root, 'tallystick.config.yaml'), 'utf8'));
await writeFile(
  path.join(folder, 'src/config/demo_config.ts'),
  `import type { ConfigInput } from './schema.ts';

/** tallystick.config.yaml of the repository, which \`npm run generate\` writes here. */
export const demoConfig: ConfigInput = ${JSON.stringify(demo, null, 2)};
`,
);
