import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { IDeployment } from 'kubernetes-models/apps/v1';
import { parseAllDocuments } from 'yaml';
import { ROOT } from '../worlds/run_command.ts';

export const OVERLAYS = ['redis', 'sentinel', 'cluster'] as const;
export type Overlay = (typeof OVERLAYS)[number];

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

/** kubectl, which `npm test` finds. */
export const KUBECTL = process.env.KUBECTL;

/** Renders a folder of `deploy/kubernetes`, as `kubectl apply -k` does. */
export async function render(folder: string): Promise<Manifest[]> {
  const { stdout } = await promisify(execFile)(String(KUBECTL), [
    'kustomize',
    path.join(ROOT, 'deploy/kubernetes', folder),
  ]);
  return manifestsIn(stdout);
}

export function manifestsIn(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}

export function allOf<T>(manifests: readonly Manifest[], kind: string): (T & Manifest)[] {
  return manifests.filter((manifest) => manifest.kind === kind) as (T & Manifest)[];
}

/** @throws {Error} there is none with this name */
export function oneOf<T>(manifests: readonly Manifest[], kind: string, name: string): T & Manifest {
  const found = allOf<T>(manifests, kind).find(({ metadata }) => metadata.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found;
}

export function podOf(deployment: IDeployment) {
  const pod = deployment.spec?.template.spec;
  const container = pod?.containers[0];
  if (pod === undefined || container === undefined) throw new Error('the Deployment has no container');
  return { pod, container };
}

/** Values of Secrets, by name and key. */
export type Secrets = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * The environment of a Deployment's container. `$(NAME)` stands for the value of a variable that is defined before, and otherwise
 * for itself, as in Kubernetes.
 *
 * @throws {Error} a required key is not in its Secret
 */
export function environmentOf(deployment: IDeployment, secrets: Secrets): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const { name, value, valueFrom } of podOf(deployment).container.env ?? []) {
    const reference = valueFrom?.secretKeyRef;
    const found =
      reference === undefined
        ? (value ?? '').replaceAll(/\$\((\w+)\)/g, (text, other) => environment[other] ?? text)
        : secrets[reference.name ?? '']?.[reference.key];
    if (found !== undefined) environment[name] = found;
    else if (reference?.optional !== true) throw new Error(`${reference?.name} has no ${reference?.key}`);
  }
  return environment;
}
