import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { IPrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import { freePort } from '@tallystick/testing/free_port';
import type { IHorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2';
import { parse, stringify } from 'yaml';
import { requirement } from '../requirements/index.ts';
import { call, serviceToken } from '../support/clients/clients.ts';
import { KUBECTL, type Manifest, manifestsIn, render } from '../support/kubernetes/manifests.ts';
import { findProblems } from '../support/kubernetes/validate.ts';
import { type OneProcess, startOneProcess } from '../support/worlds/one_process.ts';
import { ROOT } from '../support/worlds/run_command.ts';

const PROMTOOL = process.env.PROMTOOL;
const read = (file: string) => readFile(path.join(ROOT, 'deploy/kubernetes', file), 'utf8');

interface Expression {
  readonly where: string;
  readonly text: string;
}

async function rules() {
  const { spec } = parse(await read('monitoring/rules.yaml')) as IPrometheusRule;
  return { groups: spec.groups ?? [] };
}

/** The expressions of the alerts and of the dashboard, with values for Grafana's variables. */
async function expressions(): Promise<Expression[]> {
  const { groups } = await rules();
  const alerts = groups.flatMap(({ rules: all = [] }) =>
    all.map(({ alert, expr }) => ({ where: String(alert), text: String(expr) })),
  );
  const { panels } = JSON.parse(await read('monitoring/dashboard.json')) as {
    panels: { title: string; targets: { expr: string }[] }[];
  };
  const shown = panels.flatMap(({ title, targets }) =>
    targets.map(({ expr }) => ({
      where: title,
      text: expr.replaceAll('$__rate_interval', '1m').replaceAll('$namespace', 'tallystick'),
    })),
  );
  return [...alerts, ...shown];
}

describe('the metrics that are used', () => {
  let world: OneProcess;
  /** The labels of each series of the gateway. */
  let exposed: Map<string, Set<string>>;
  beforeAll(async () => {
    const unreachable = `http://127.0.0.1:${await freePort()}`;
    world = await startOneProcess((config) => ({
      ...config,
      gateway: {
        ...config.gateway,
        routes: [...config.gateway.routes, { prefix: '/unreachable', public: true, upstream: unreachable }],
      },
    }));
    expect((await fetch(`${world.gateways[0]}/unreachable`)).status).toBe(502);
    expect((await call(world.gateways[0], 'phantom', await serviceToken(world, 'phantom'))).status).toBe(200);
    exposed = seriesIn(await (await fetch(`${world.gateways[0]}/metrics`)).text());
  });
  afterAll(() => world?.stop());

  test(requirement('kubernetes-monitoring-fits', 'names and labels'), async () => {
    const fromKubernetes = ['namespace', 'pod'];
    for (const { where, text } of await expressions()) {
      const names = text.match(/\btallystick_\w+/g) ?? [];
      expect([where, names.length > 0]).toEqual([where, true]);
      for (const name of names) expect([where, name, exposed.has(name)]).toEqual([where, name, true]);
      const labels = labelsIn(text).filter((label) => !fromKubernetes.includes(label));
      const known = names.flatMap((name) => [...(exposed.get(name) ?? [])]);
      expect([where, labels.filter((label) => !known.includes(label))]).toEqual([where, []]);
    }
  });

  test(requirement('kubernetes-monitoring-fits', 'the dashboard shows every metric'), async () => {
    const used = (await expressions()).map(({ text }) => text).join(' ');
    const families = [...exposed.keys()].map((name) => name.replace(/_(bucket|count|sum)$/, ''));
    expect(families.filter((family) => !used.includes(family))).toEqual([]);
  });

  test(requirement('kubernetes-monitoring-fits', 'the gateway scales by one of them'), async () => {
    const { rules: adapter } = parse(await read('monitoring/prometheus-adapter.yaml'));
    const [{ seriesQuery, name }] = adapter.custom;
    const series = /^\w+/.exec(seriesQuery)?.[0] ?? '';
    expect(exposed.has(series)).toBe(true);
    const offered = series.replace(new RegExp(name.matches), name.as.replace(/\$\{(\d)\}/, '$$$1'));
    const { spec } = parse(await read('base/autoscaling.yaml')) as IHorizontalPodAutoscaler;
    expect(spec?.metrics?.map(({ pods, resource }) => pods?.metric.name ?? resource?.name)).toEqual([offered, 'cpu']);
  });
});

test(requirement('kubernetes-manifests-are-valid', 'monitoring'), async () => {
  const manifests = await Promise.all(
    ['rules', 'pod-monitor'].map(async (name) => manifestsIn(await read(`monitoring/${name}.yaml`))),
  );
  expect(await findProblems(manifests.flat())).toEqual([]);
});

(KUBECTL ? test : test.skip)(requirement('kubernetes-manifests-are-valid', 'monitoring, rendered'), async () => {
  const manifests: Manifest[] = await render('monitoring');
  expect(await findProblems(manifests)).toEqual([]);
  expect(manifests.map(({ kind }) => kind)).toEqual(['ConfigMap', 'PodMonitor', 'PrometheusRule']);
});

(PROMTOOL ? describe : describe.skip)('in Prometheus', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'tallystick-prometheus-'));
    await writeFile(path.join(folder, 'rules.yaml'), stringify(await rules()));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test(requirement('kubernetes-monitoring-fits', 'Prometheus understands every expression'), async () => {
    const all = (await expressions()).map(({ text }, index) => ({ record: `expression:${index}`, expr: text }));
    await writeFile(path.join(folder, 'all.yaml'), stringify({ groups: [{ name: 'all', rules: all }] }));
    await promtool('check', 'rules', path.join(folder, 'all.yaml'), path.join(folder, 'rules.yaml'));
  });

  test(requirement('kubernetes-monitoring-fits', 'every alert fires at its fault, and none without one'), async () => {
    const { groups } = await rules();
    const alerts = groups.flatMap(({ rules: all = [] }) => all.map(({ alert }) => String(alert)));
    expect(Object.keys(FAULTS)).toEqual(alerts);
    const tests = [HEALTHY, ...Object.values(FAULTS).map((fault) => without(HEALTHY, fault))].map((series, index) => ({
      interval: '1m',
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      promql_expr_test: [
        {
          expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
          eval_time: '20m',
          exp_samples: index === 0 ? [] : [{ labels: `{alertname="${alerts[index - 1]}"}`, value: 1 }],
        },
      ],
    }));
    await writeFile(
      path.join(folder, 'tests.yaml'),
      stringify({ rule_files: ['rules.yaml'], evaluation_interval: '1m', tests }),
    );
    await promtool('test', 'rules', path.join(folder, 'tests.yaml'));
  });
});

type Series = Readonly<Record<string, string | undefined>>;

const POD = 'namespace="tallystick",pod="gateway-1"';
const ISSUER = `${POD},issuer="https://login.example.com"`;
const series = (name: string, labels: string) => `tallystick_gateway_${name}{${labels}}`;
const decisions = (outcome: string) => series('decisions_total', `${POD},route="/orders",outcome="${outcome}"`);
const introspections = (outcome: string) => series('introspection_seconds_count', `${ISSUER},outcome="${outcome}"`);

const HEALTHY: Series = {
  [series('cache_entries', POD)]: '5x20',
  [series('revocation_feed_up', POD)]: '1x20',
  [series('revocation_feed_lag_seconds', POD)]: '0.01x20',
  [series('circuit_open', ISSUER)]: '0x20',
  [series('introspections', `${ISSUER},state="waiting"`)]: '0x20',
  [series('introspections', `${ISSUER},state="running"`)]: '9x20',
  [introspections('active')]: '0+100x20',
  [introspections('failed')]: '0x20',
  [decisions('forwarded')]: '0+1000x20',
  [decisions('invalid_token')]: '0+1000x20',
  [decisions('bad_gateway')]: '0x20',
  [series('upstream_up', `${POD},route="/orders",upstream="http://orders"`)]: '1x20',
};

/** For each alert the series that differ. */
const FAULTS: Readonly<Record<string, Series>> = {
  TallystickGatewayMissing: { [series('cache_entries', POD)]: undefined },
  TallystickRevocationFeedDown: { [series('revocation_feed_up', POD)]: '0x20' },
  TallystickRevocationFeedSlow: { [series('revocation_feed_lag_seconds', POD)]: '3x20' },
  TallystickCircuitOpen: { [series('circuit_open', ISSUER)]: '1x20' },
  TallystickIntrospectionsWait: { [series('introspections', `${ISSUER},state="waiting"`)]: '4x20' },
  TallystickIntrospectionsFail: { [introspections('failed')]: '0+20x20' },
  TallystickServerErrors: { [decisions('bad_gateway')]: '0+100x20' },
  TallystickUpstreamDown: { [series('upstream_up', `${POD},route="/orders",upstream="http://orders"`)]: '0x20' },
};

function without(healthy: Series, fault: Series): Series {
  return Object.fromEntries(Object.entries({ ...healthy, ...fault }).filter(([, values]) => values !== undefined));
}

async function promtool(...args: string[]): Promise<void> {
  try {
    await promisify(execFile)(String(PROMTOOL), args);
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${stdout}${stderr}`);
  }
}

/** The labels of the series in an exposition, by name. A metric without a value yet has no labels. */
function seriesIn(exposition: string): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  const add = (name: string, labels: readonly string[]) =>
    found.set(name, new Set([...(found.get(name) ?? []), ...labels]));
  for (const line of exposition.split('\n')) {
    const [, family, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (family !== undefined) add(type === 'histogram' ? `${family}_count` : family, []);
    const [, name, labels = ''] = /^(tallystick_\w+)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
    if (name !== undefined)
      add(
        name,
        [...labels.matchAll(/(\w+)="/g)].map(([, label]) => String(label)),
      );
  }
  return found;
}

/** The labels that an expression selects or groups by. */
function labelsIn(expression: string): string[] {
  const grouped = [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels]) => String(labels).split(/, */));
  const selected = [...expression.matchAll(/(\w+)(?:=~?|!=|!~)"/g)].map(([, label]) => String(label));
  return [...grouped, ...selected];
}
