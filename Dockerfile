# Two images from one file (docs/images.md):
#   docker build -t fleet-depot .                                     the server, without packages
#   docker build -t fleet-depot:lite --build-arg DISTRIBUTION=lite .  with packages and their index
# DISTRIBUTION is a distribution's name or a definition file of this build context (both are fetched while building), or a folder of
# it that has packages. For a site that is closed: ADDRESS names another registry, NPM_REGISTRY another place of npm's packages, the
# secrets `ca` (a CA to trust), `npmrc` (npm's settings), `keyring` (who may sign) and `proxy-auth` (user:password) are files;
# HTTPS_PROXY and its kin count. No syntax line: BuildKit would fetch its parser from the internet for it.
ARG NODE_IMAGE=docker.io/library/node:24-bookworm-slim
ARG DISTRIBUTION=

# Compiles the program, and packs it.
FROM ${NODE_IMAGE} AS build
ARG NPM_REGISTRY=
WORKDIR /src
COPY package.json package-lock.json .npmrc tsconfig.json ./
RUN --mount=type=secret,id=ca --mount=type=secret,id=npmrc,target=/root/.npmrc \
    if [ -f /run/secrets/ca ]; then export NODE_EXTRA_CA_CERTS=/run/secrets/ca; fi; \
    npm ci --include=dev --loglevel=error ${NPM_REGISTRY:+--registry="$NPM_REGISTRY"}
COPY src src
COPY scripts/pack.js scripts/dist.js scripts/licences.js scripts/
RUN node node_modules/typescript/bin/tsc -p . && node scripts/pack.js

# What the program needs while it runs, and nothing else.
FROM ${NODE_IMAGE} AS dependencies
ARG NPM_REGISTRY=
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=secret,id=ca --mount=type=secret,id=npmrc,target=/root/.npmrc \
    if [ -f /run/secrets/ca ]; then export NODE_EXTRA_CA_CERTS=/run/secrets/ca; fi; \
    npm ci --omit=dev --loglevel=error ${NPM_REGISTRY:+--registry="$NPM_REGISTRY"}

# The program as it lies in the image. A checkout made under umask 077 has files that no other user can read.
FROM ${NODE_IMAGE} AS program
WORKDIR /opt/fleet-depot
COPY LICENSE NOTICE THIRD-PARTY.md package.json ./
COPY assets assets
COPY bin bin
COPY packages packages
COPY distributions distributions
COPY --from=build /src/dist dist
COPY deploy/image/config.yml /package-registry/config.yml
RUN chmod -R u=rwX,go=rX /opt/fleet-depot /package-registry

FROM ${NODE_IMAGE} AS server
LABEL org.opencontainers.image.title="Fleet Depot" \
      org.opencontainers.image.description="The package registry for Elastic Fleet behind an air gap" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
# The cache must take files of any user: OpenShift and others choose a UID of their own.
RUN mkdir -p /packages/package-registry /packages/distribution \
    && install -d -m 0777 /var/cache/fleet-depot
COPY --from=dependencies /src/node_modules /opt/fleet-depot/node_modules
COPY --from=program /opt/fleet-depot /opt/fleet-depot
COPY --from=program /package-registry /package-registry
WORKDIR /package-registry
ENV NODE_ENV=production \
    EPR_ADDRESS=0.0.0.0:8080 \
    EPR_CACHE_DIR=/var/cache/fleet-depot
EXPOSE 8080
USER 1000
# All in exec form: nothing here needs a shell. `fleet-depot health` follows EPR_ADDRESS and EPR_TLS_CERT.
HEALTHCHECK --interval=30s --timeout=6s --start-period=120s --retries=3 \
    CMD ["/usr/local/bin/node", "/opt/fleet-depot/bin/fleet-depot.js", "health"]
ENTRYPOINT ["/usr/local/bin/node", "/opt/fleet-depot/bin/fleet-depot.js"]
CMD ["serve"]

# Gathers the packages and divides them into parts, so that no layer is above 1 GiB.
FROM server AS content
ARG DISTRIBUTION
ARG ADDRESS=
ARG LAYER_BYTES=943718400
USER 0
WORKDIR /work
COPY scripts/split-content.js scripts/recorded-content.js scripts/image-content.js ./
RUN --mount=type=bind,target=/context \
    --mount=type=secret,id=ca --mount=type=secret,id=keyring --mount=type=secret,id=proxy-auth \
    node image-content.js "${DISTRIBUTION}" /context /parts "${LAYER_BYTES}" "${ADDRESS}"

FROM server AS server-with-content
COPY --from=content /parts/00 /packages/distribution/
COPY --from=content /parts/01 /packages/distribution/
COPY --from=content /parts/02 /packages/distribution/
COPY --from=content /parts/03 /packages/distribution/
COPY --from=content /parts/04 /packages/distribution/
COPY --from=content /parts/05 /packages/distribution/
COPY --from=content /parts/06 /packages/distribution/
COPY --from=content /parts/07 /packages/distribution/
COPY --from=content /parts/08 /packages/distribution/
COPY --from=content /parts/09 /packages/distribution/
COPY --from=content /parts/10 /packages/distribution/
COPY --from=content /parts/11 /packages/distribution/
COPY --from=content /parts/12 /packages/distribution/
COPY --from=content /parts/13 /packages/distribution/
COPY --from=content /parts/14 /packages/distribution/
COPY --from=content /parts/15 /packages/distribution/
COPY --from=content /parts/16 /packages/distribution/
COPY --from=content /parts/17 /packages/distribution/
COPY --from=content /parts/18 /packages/distribution/
COPY --from=content /parts/19 /packages/distribution/
COPY --from=content /parts/20 /packages/distribution/
COPY --from=content /parts/21 /packages/distribution/
COPY --from=content /parts/22 /packages/distribution/
COPY --from=content /parts/23 /packages/distribution/
COPY --from=content /parts/24 /packages/distribution/
COPY --from=content /parts/25 /packages/distribution/
COPY --from=content /parts/26 /packages/distribution/
COPY --from=content /parts/27 /packages/distribution/
COPY --from=content /parts/28 /packages/distribution/
COPY --from=content /parts/29 /packages/distribution/
COPY --from=content /parts/30 /packages/distribution/
COPY --from=content /parts/31 /packages/distribution/
# The index is made once here instead of at each start (3: some packages are in quarantine, the build says which).
RUN ["node", "-e", "const { status } = require('child_process').spawnSync(process.execPath, ['/opt/fleet-depot/bin/fleet-depot.js', 'index', 'build'], { stdio: 'inherit' }); process.exit(status === 3 ? 0 : status ?? 1)"]

# The last stage is what is built: with a DISTRIBUTION the one that has content, without one the other.
FROM server${DISTRIBUTION:+-with-content}
