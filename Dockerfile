# The image of kload: the runner (`kload pod`, started by the operator's Jobs) and the operator (`python -m kload_operator`).
# One image, because both are the same wheel with the same dependencies and must always be of one version.
#
# Layers from the rarely to the often changed: base, dependencies, kload. An edit rebuilds the last one alone.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS base

FROM base AS tools
# Where packages come from, by pip's own variables, for those who build behind an index or an authority of their own.
ARG PIP_INDEX_URL
ARG PIP_FIND_LINKS
ARG PIP_CERT
COPY requirements/build.txt /requirements/
RUN python3 -m venv /opt/build && /opt/build/bin/pip install --no-cache-dir --require-hashes -r /requirements/build.txt

FROM base AS dependencies
ARG PIP_INDEX_URL
ARG PIP_FIND_LINKS
ARG PIP_CERT
RUN --mount=type=bind,from=tools,source=/opt/build,target=/opt/build \
    --mount=type=bind,source=requirements/image.txt,target=/requirements.txt \
    python3 -m venv --without-pip /opt/kload \
 && /opt/build/bin/pip --python /opt/kload/bin/python3 install --no-cache-dir --require-hashes -r /requirements.txt

FROM tools AS application
WORKDIR /source
COPY LICENSE README.md pyproject.toml ./
COPY spec spec
COPY runner runner
COPY operator operator
RUN python3 -m venv --without-pip /opt/kload \
 && /opt/build/bin/pip wheel --quiet --no-index --no-deps --no-build-isolation --wheel-dir /wheel . \
 && /opt/build/bin/pip --python /opt/kload/bin/python3 install --quiet --no-index --no-deps --root /installed /wheel/*.whl

FROM dependencies
COPY --from=application /installed/ /
# The root file system may be read-only: nothing is written, not even bytecode (it is in the layers).
ENV PATH=/opt/kload/bin:/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
WORKDIR /
ENTRYPOINT ["kload"]
