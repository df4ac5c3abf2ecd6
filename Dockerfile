# One image for every role: the command says which, e.g. `gateway` or `authorization-server`. docs/how-to/containers.md

# Nothing in the result depends on the processor, so this stage runs on the one of the builder (docker-bake.hcl).
FROM --platform=$BUILDPLATFORM node:24-bookworm-slim AS build
WORKDIR /app
# The manifests alone first, so that the install below is repeated only when a dependency changes.
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
COPY patches patches
COPY e2e/package.json e2e/
COPY packages/authorization-server/package.json packages/authorization-server/
COPY packages/common/package.json packages/common/
COPY packages/gateway/package.json packages/gateway/
COPY packages/resource-server/package.json packages/resource-server/
COPY packages/tallystick/package.json packages/tallystick/
COPY packages/testing/package.json packages/testing/
COPY packages/token-store/package.json packages/token-store/
# npx runs the very pnpm that package.json pins.
RUN printf '#!/bin/sh\nexec npx --yes "%s" "$@"\n' "$(node -p 'require("./package.json").packageManager')" \
      > /usr/local/bin/pnpm && chmod +x /usr/local/bin/pnpm

RUN pnpm install --frozen-lockfile
COPY tsconfig.base.json LICENSE CHANGELOG.md ./
COPY scripts scripts
COPY packages packages
# The image contains what npm users get, and OpenTelemetry, which is optional for them.
RUN node scripts/pack.mjs \
 && npm install --prefix /image --omit=dev --no-audit --no-fund ./dist/tallystick-[0-9]*.tgz \
      $(node -p 'Object.entries(require("./dist/tallystick/package.json").peerDependencies).map((peer) => peer.join("@")).join(" ")')

FROM node:24-bookworm-slim
# A container has addresses of its own, so its servers listen on all of them. Nobody outside reaches a port that is not published.
# After SIGTERM each role goes on serving for 5 s, so that a load balancer sees first that /readyz says no.
ENV NODE_ENV=production \
    PATH=/app/node_modules/.bin:$PATH \
    TALLYSTICK_HOST=0.0.0.0 \
    TALLYSTICK_CONTROL_API_HOST=0.0.0.0 \
    TALLYSTICK_AUTHORIZATION_SERVER_TIMEOUTS_DRAIN_DELAY=5000 \
    TALLYSTICK_GATEWAY_TIMEOUTS_DRAIN_DELAY=5000 \
    TALLYSTICK_SAMPLE_API_TIMEOUTS_DRAIN_DELAY=5000
# The configuration is TALLYSTICK_CONFIG, or tallystick.config.yaml mounted here; otherwise the demo.
WORKDIR /app
COPY --from=build /image/node_modules node_modules
EXPOSE 4000 4100 4200 4300
# A number, so that Kubernetes can see that it is not root (`runAsNonRoot`).
USER 1000:1000
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 CMD ["tallystick", "health"]
ENTRYPOINT ["node", "/app/node_modules/tallystick/lib/main.cjs"]
CMD ["start"]
