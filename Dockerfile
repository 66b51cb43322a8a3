# The daemon in an image: docker build -t triggerbot .
#
# The base is a Debian 12 or newer, or anything with its packages; dependencies come from wherever pip is configured to
# look, and have to have the hashes of deploy/requirements.txt. A pip.conf for the build: --secret id=pip,src=pip.conf, and
# certificates that it names as /etc/pip-ca.pem: --secret id=ca,src=ca.pem (neither gets into the image). What version.json
# says: --build-arg SOURCE=... --build-arg COMMIT=... --build-arg BUILD=...
# The digest is that of the tag's index, for all kinds of machines: `docker buildx imagetools inspect debian:bookworm-slim`
# shows the present one.
ARG BASE=debian:bookworm-slim@sha256:96e378d7e6531ac9a15ad505478fcc2e69f371b10f5cdf87857c4b8188404716

FROM ${BASE} AS build
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates python3 python3-venv
WORKDIR /src
COPY deploy/requirements-build.txt deploy/requirements.txt deploy/
# One environment builds, the other one is what is shipped: it has neither pip nor anything that compiles.
RUN python3 -m venv /build && python3 -m venv --without-pip /opt/triggerbot
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca,target=/etc/pip-ca.pem \
    /build/bin/pip install --no-cache-dir --only-binary=:all: --require-hashes -r deploy/requirements-build.txt && \
    /build/bin/pip --python /opt/triggerbot/bin/python install --no-cache-dir --only-binary=:all: --require-hashes \
    -r deploy/requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY triggerbot triggerbot
RUN /build/bin/pip wheel --no-index --no-deps --no-build-isolation --wheel-dir /wheel . && \
    /build/bin/pip --python /opt/triggerbot/bin/python install --no-index --no-deps /wheel/*.whl
ARG SOURCE=""
ARG COMMIT=""
ARG BUILD=""
RUN /opt/triggerbot/bin/python -c "import json, sys, triggerbot; print(json.dumps(dict(zip(('source', 'commit', 'build', \
    'version'), [*sys.argv[1:], triggerbot.__version__]))))" "$SOURCE" "$COMMIT" "$BUILD" > /version.json

FROM ${BASE}
LABEL org.opencontainers.image.title="triggerbot" org.opencontainers.image.licenses="MPL-2.0"
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates python3 && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log && \
    groupadd --gid 10001 triggerbot && \
    useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin triggerbot && \
    install -d -o 10001 -g 10001 -m 0700 /data && install -d /etc/triggerbot
COPY --from=build /opt/triggerbot /opt/triggerbot
COPY --from=build /version.json /app/version.json
COPY deploy/healthcheck.py /app/healthcheck.py
ENV PATH=/opt/triggerbot/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 TMPDIR=/data HOME=/data
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
# The shell would not pass signals on: the daemon itself is the first process, and ends in good order on SIGTERM.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["python", "/app/healthcheck.py"]
ENTRYPOINT ["triggerbot"]
CMD ["run", "--config", "/etc/triggerbot/triggerbot.yml"]
