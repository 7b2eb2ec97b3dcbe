# One image for every Airflow service of docker-compose.yml: the project, its locked packages, a user without rights.
FROM python:3.11.14-slim-bookworm AS packages
COPY requirements.lock /tmp/requirements.lock
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --requirement /tmp/requirements.lock

FROM python:3.11.14-slim-bookworm
# Without a Chinese font, charts and pages show boxes. Debian keeps no older version of a package that one could pin.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends fonts-wqy-microhei \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 1000 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin metrics \
    && install --directory --owner metrics --group metrics --mode 0700 /data

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/service-metrics:/opt/service-metrics/plugins \
    PYTHONUNBUFFERED=1 \
    METRICS_HOME=/data

COPY --from=packages /opt/venv /opt/venv
WORKDIR /opt/service-metrics
# Owned by root: what runs can't change the code that runs.
COPY . .
# The running containers can't write here, so the byte code is made now.
RUN python -m compileall -q dags plugins include expectations

USER 1000:1000
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=10s --start-period=90s --retries=5 \
    CMD ["python", "-m", "service_metrics.health", "metadatabase"]
CMD ["airflow", "api-server"]
