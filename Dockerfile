# One image for every service and the operator, and a second one, `cameras`, that can draw simulated cameras as well.
# BASE has Python 3.11 to 3.13 as python3; name it by digest where it matters. What is installed is what the locks name, by hash.
ARG BASE=docker.io/library/python:3.13-slim-bookworm

FROM ${BASE} AS tools
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never
RUN python3 -m pip --version || { apt-get update && apt-get install -y --no-install-recommends python3-pip; }
WORKDIR /build
COPY locks/build.lock locks/build.lock
RUN sed -n '/^uv==/,/[^\\]$/p' locks/build.lock > uv.lock \
 && python3 -m pip install --require-hashes --only-binary :all: --target first -r uv.lock \
 && first/bin/uv venv --python python3 tools \
 && first/bin/uv pip sync --python tools/bin/python --require-hashes --only-binary :all: locks/build.lock

# What others wrote, in a virtual environment that carries no pip.
FROM tools AS dependencies
COPY locks/platform.lock locks/platform.lock
# nkeys is published as source alone (pure Python); what builds it has its version from build.lock.
ENV UV_BUILD_CONSTRAINT=/build/locks/build.lock
RUN tools/bin/uv venv --python python3 /opt/vonglau \
 && tools/bin/uv pip sync --python /opt/vonglau/bin/python --require-hashes --only-binary :all: --no-binary nkeys --compile-bytecode locks/platform.lock \
 && rm /opt/vonglau/.lock
COPY pyproject.toml .
RUN tools/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --of JSON -o /opt/vonglau/sbom.cdx.json /opt/vonglau/bin/python

# The project itself, apart from them, so that a change of code is a small layer and a folder that can be synchronised.
FROM dependencies AS code
COPY . source
RUN cd source && ../tools/bin/hatchling build -t wheel -d /build/dist && cd .. \
 && tools/bin/uv pip install --python /opt/vonglau/bin/python --no-deps --compile-bytecode --target /opt/vonglau/app /build/dist/*.whl && rm /opt/vonglau/app/.lock

FROM dependencies AS drawing
COPY locks/cameras.lock locks/cameras.lock
RUN tools/bin/uv pip sync --python /opt/vonglau/bin/python --require-hashes --only-binary :all: --no-binary nkeys --compile-bytecode locks/cameras.lock \
 && rm -f /opt/vonglau/.lock \
 && tools/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --of JSON -o /opt/vonglau/sbom.cdx.json /opt/vonglau/bin/python

FROM ${BASE} AS runtime
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Vọng Lâu" \
      org.opencontainers.image.description="One camera platform for a city of many owners" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/opt/vonglau/bin:/opt/vonglau/app/bin:$PATH PYTHONPATH=/opt/vonglau/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /
USER 65532:65532
ENTRYPOINT ["python", "-m"]
CMD ["vonglau.cli", "--help"]

FROM runtime AS cameras
COPY --from=drawing /opt/vonglau /opt/vonglau
COPY --from=code /opt/vonglau/app /opt/vonglau/app

FROM runtime AS platform
COPY --from=dependencies /opt/vonglau /opt/vonglau
COPY --from=code /opt/vonglau/app /opt/vonglau/app
