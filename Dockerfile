# The product as an image: the wheel with the browser app in it, on Python's slim image, without root.
# docs/deploy.md says how to start it; tests/house/test_image.py keeps this file honest.

FROM python:3.11-slim AS build
# `dynamodb` adds the driver for DynamoDB; SQLite and MongoDB are always there.
ARG REQUIREMENTS=runtime
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
WORKDIR /build

# What changes seldom comes first, so that a change of the code fetches nothing anew.
COPY requirements/runtime.txt requirements/dynamodb.txt requirements/build.txt requirements/
RUN python -m venv /opt/alertwhisperer \
    && /opt/alertwhisperer/bin/pip install --no-cache-dir --only-binary :all: --require-hashes \
        -r "requirements/${REQUIREMENTS}.txt" \
    && python -m venv /opt/build \
    && /opt/build/bin/pip install --no-cache-dir --only-binary :all: --require-hashes -r requirements/build.txt

COPY requirements/runtime-licences.txt requirements/
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY tools tools
COPY frontend frontend
COPY src src
# Builds the browser app too, with the Node that requirements/build.txt brings.
RUN /opt/build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/alertwhisperer/bin/pip install --no-cache-dir --no-deps --no-index /wheels/*.whl

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/alertwhisperer --create-home --shell /usr/sbin/nologin \
        alertwhisperer \
    && chmod 0700 /var/lib/alertwhisperer
COPY --from=build /opt/alertwhisperer /opt/alertwhisperer

# In a container 127.0.0.1 is nobody's. The root file system may be read-only: only the volume is written to.
ENV PATH=/opt/alertwhisperer/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PORT=8001 \
    LOG_FORMAT=json \
    SQLITE_PATH=/var/lib/alertwhisperer/alertwhisperer.db
USER 10001:10001
WORKDIR /var/lib/alertwhisperer
VOLUME /var/lib/alertwhisperer
EXPOSE 8001
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/healthz\", timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["alertwhisperer"]
CMD ["serve"]
