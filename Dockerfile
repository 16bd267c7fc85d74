# The ingest, the API, and every other command but those of development. It brings no database: give it DATABASE_URL.
# It needs nothing but /data to be writable (and /data/archive with --after-merge archive), and a /tmp. docs/deployment.md says how it
# is run; compose.yaml runs it with PostgreSQL. CI does not build it (no Docker there): a test reads it and takes its steps.
FROM oven/bun:1.4.5-slim AS build
WORKDIR /app
COPY package.json bun.lock ./
COPY src/database/patches src/database/patches
# The optional packages are the embedded PostgreSQL, and the Bun that the npm package brings.
RUN bun install --frozen-lockfile --omit=optional --ignore-scripts
COPY tsconfig.json bunfig.toml ./
COPY drizzle drizzle
COPY sql sql
COPY src src
COPY scripts scripts
RUN bun scripts/build-package.ts

FROM oven/bun:1.4.5-slim
WORKDIR /app
ENV NODE_ENV=production \
    SLUICE_DATA_DIR=/data \
    SLUICE_INPUT_DIR=/data/input_data \
    SLUICE_HOST=0.0.0.0
# The image's own user; 1000 is its number, and the first user's of most machines, whose files it is to read.
RUN install -d -o 1000 -g 1000 /data /data/input_data
# The whole program: libraries, SQL and page are in it.
COPY --from=build /app/dist dist
# Yours, where there are any: BuildKit takes a pattern that finds nothing.
COPY stream[s] streams/
COPY docker/entrypoint.sh /usr/local/bin/sluice-entrypoint
USER 1000:1000
VOLUME /data
EXPOSE 4040
# The process answers; whether the database does is /readyz, and no reason to kill it.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
    CMD ["bun", "-e", "process.exit((await fetch(`http://127.0.0.1:${process.env.SLUICE_PORT || 4040}/livez`)).ok ? 0 : 1)"]
ENTRYPOINT ["sh", "/usr/local/bin/sluice-entrypoint"]
# One process, so that SIGTERM reaches it: not `bun run start`, which would look for packages first.
CMD ["bun", "dist/sluice.js", "start", "--no-generate"]
