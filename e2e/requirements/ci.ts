import type { Requirements } from './source.ts';

/** What the authors of pipelines must be able to rely on. */
export const ci = {
  'ci-samples-are-valid': {
    sentence: 'the samples for GitHub Actions and GitLab CI, and the action, follow the schemas of GitHub and GitLab',
    link: 'https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax',
  },
  'ci-action-starts': {
    sentence: 'the action returns when everything is ready, and fails with the log when it does not become ready',
    link: 'https://docs.github.com/en/actions/tutorials/create-actions/create-a-composite-action',
  },
  'ci-testcontainers': {
    sentence: 'the container class for Testcontainers starts the image, and knows issuer, gateway and control API',
    link: 'https://node.testcontainers.org/features/containers/',
  },
  'ci-shell-script': {
    sentence: 'a shell script tests an API behind the gateway with tokens from the control API',
    link: 'https://www.rfc-editor.org/rfc/rfc6750#section-3',
  },
} as const satisfies Requirements;
