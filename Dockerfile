# kmsmark in a container: no Node.js needed where it runs.
#
#   docker build --tag kmsmark .
#   docker run --rm kmsmark bench --target embedded
#
# With kube-apiserver and etcd in it, some 140 MB more, so that `--target processes` starts at once and needs no network:
#
#   docker build --tag kmsmark --build-arg BINARIES=release .

ARG BASE=node:24.21.0-trixie-slim

FROM ${BASE} AS built
WORKDIR /opt/kmsmark
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY harness harness
COPY suites suites
COPY plugins plugins
COPY reports reports
COPY scripts scripts
RUN npm run build

FROM ${BASE} AS program
WORKDIR /opt/kmsmark
COPY package.json package-lock.json README.md CHANGELOG.md LICENSE ./
RUN npm ci --omit=dev --no-audit --no-fund && npm cache clean --force
COPY --from=built /opt/kmsmark/dist dist
# Folders for every user, because `docker run --user` may name any: a home, the binaries, and where runs go.
ENV HOME=/home/kmsmark KMSMARK_CACHE=/var/cache/kmsmark
RUN ln -s /opt/kmsmark/dist/harness/cli.js /usr/local/bin/kmsmark && \
    mkdir -p "$HOME" "$KMSMARK_CACHE" /runs && chmod 1777 "$HOME" "$KMSMARK_CACHE" /runs

FROM program AS binaries
# As `kmsmark install --from` takes it.
ARG BINARIES=none
RUN if [ "$BINARIES" != none ]; then kmsmark install --from "$BINARIES"; fi && chmod -R a+rwX "$KMSMARK_CACHE"

FROM program
LABEL org.opencontainers.image.title="kmsmark" \
      org.opencontainers.image.description="Benchmark and conformance harness for Kubernetes secret encryption at rest with a KMS" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=binaries /var/cache/kmsmark /var/cache/kmsmark
WORKDIR /runs
USER 65532:65532
ENTRYPOINT ["kmsmark"]
CMD ["--help"]
