# One image for every role: the command says which, e.g. `gateway` or `authorization-server`.

# The manifests alone, so that the installs below are repeated only when a dependency changes.
FROM node:24-bookworm-slim AS manifests
WORKDIR /app
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

FROM manifests AS build
RUN pnpm install --frozen-lockfile
COPY tsconfig.base.json ./
COPY packages packages
RUN node_modules/.bin/tsc -b packages/tallystick

FROM manifests AS production
RUN pnpm install --frozen-lockfile --prod --filter-prod 'tallystick...' && rm -r packages/testing

FROM node:24-bookworm-slim
# After SIGTERM each role goes on serving for 5 s, so that a load balancer sees first that /readyz says no.
ENV NODE_ENV=production \
    TALLYSTICK_AUTHORIZATION_SERVER_TIMEOUTS_DRAIN_DELAY=5000 \
    TALLYSTICK_GATEWAY_TIMEOUTS_DRAIN_DELAY=5000 \
    TALLYSTICK_SAMPLE_API_TIMEOUTS_DRAIN_DELAY=5000
WORKDIR /app
COPY --from=production /app/node_modules node_modules
COPY --from=production /app/packages packages
COPY --from=build /app/packages/authorization-server/dist packages/authorization-server/dist
COPY --from=build /app/packages/common/dist packages/common/dist
COPY --from=build /app/packages/gateway/dist packages/gateway/dist
COPY --from=build /app/packages/resource-server/dist packages/resource-server/dist
COPY --from=build /app/packages/tallystick/dist packages/tallystick/dist
COPY --from=build /app/packages/token-store/dist packages/token-store/dist
COPY tallystick.config.yaml ./
USER node
ENTRYPOINT ["node", "/app/packages/tallystick/dist/main.js"]
CMD ["start"]
