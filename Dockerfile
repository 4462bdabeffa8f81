# One image for every process: api, worker and the commands that run once.
# The base may be any Debian-like image with Python 3.11 or later as `python`, and pip.
ARG PYTHON_IMAGE=python:3.14-slim

FROM ${PYTHON_IMAGE} AS build
# Where the network has an index or a proxy of its own: --build-arg PIP_INDEX_URL=...
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# pip stays outside: the environment holds the program and what it needs, nothing else.
RUN python -m venv --without-pip /opt/marquee
COPY requirements/server.lock ./
RUN pip --python /opt/marquee/bin/python install --require-hashes -r server.lock
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN pip --python /opt/marquee/bin/python install --no-deps --no-build-isolation .

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="Marquee" \
      org.opencontainers.image.description="An event-sourced backend for live-event catalogues" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --uid 10001 --no-create-home --home-dir /var/lib/marquee --shell /usr/sbin/nologin marquee
COPY --from=build /opt/marquee /opt/marquee
ENV PATH=/opt/marquee/bin:$PATH PYTHONUNBUFFERED=1 \
    MARQUEE_HOST=0.0.0.0 PORT=8000
# It writes nowhere but under /tmp: the rest of the file system may be read-only.
WORKDIR /var/lib/marquee
USER 10001
EXPOSE 8000
# For the API; a container that runs another command brings its own check.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4); c.request('GET', '/health/live'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["marquee"]
CMD ["api"]
