import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../worlds/run_command.ts';
import type { Manifest } from './manifests.ts';

/**
 * Validates manifests against the schemas that kubernetes-models makes from the OpenAPI description of Kubernetes and the
 * definitions of the Prometheus Operator. These schemas allow unknown fields, so TypeScript looks for them.
 *
 * @returns what is wrong
 */
export async function findProblems(manifests: readonly Manifest[]): Promise<string[]> {
  const problems: string[] = [];
  // One after the other: Jest cannot import a module twice at the same time.
  for (const manifest of manifests) problems.push(...(await findWrongValue(manifest)));
  return [...problems, ...(await findWrongFields(manifests))];
}

function moduleOf({ apiVersion }: Manifest): string {
  const library = apiVersion.startsWith('monitoring.coreos.com/')
    ? '@kubernetes-models/prometheus-operator'
    : 'kubernetes-models';
  return `${library}/${apiVersion}`;
}

async function findWrongValue(manifest: Manifest): Promise<string[]> {
  const { [manifest.kind]: Model } = await import(moduleOf(manifest));
  if (Model === undefined) return [`${manifest.apiVersion} has no ${manifest.kind}`];
  try {
    new Model(manifest).validate();
    return [];
  } catch (error) {
    return [`${manifest.kind} ${manifest.metadata.name}: ${(error as Error).message}`];
  }
}

async function findWrongFields(manifests: readonly Manifest[]): Promise<string[]> {
  const folder = await mkdtemp(path.join(ROOT, 'e2e/example-'));
  try {
    const source = manifests.map(
      (manifest, index) => `import type { I${manifest.kind} as I${index} } from '${moduleOf(manifest)}';
export const manifest${index}: I${index} = ${JSON.stringify(manifest, undefined, 1)};`,
    );
    await writeFile(path.join(folder, 'manifests.ts'), source.join('\n'));
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--types', ''];
    await promisify(execFile)(process.execPath, [
      path.join(ROOT, 'node_modules/typescript/bin/tsc'),
      ...['--ignoreConfig', ...options, path.join(folder, 'manifests.ts')],
    ]);
    return [];
  } catch (error) {
    return [String((error as { stdout?: string }).stdout || error)];
  } finally {
    await rm(folder, { recursive: true });
  }
}
