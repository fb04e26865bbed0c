# smrep as an image: docker build -t smrep .
FROM python:3.13-slim AS base

FROM base AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# Each package by its hash, ready built. All that follows is installed from what lies in /wheels, and nothing is fetched.
COPY constraints.txt ./
COPY constraints-crt.txt ./
RUN python -m pip download --no-cache-dir --require-hashes --no-deps --requirement constraints.txt \
    --requirement constraints-crt.txt --dest /wheels
COPY . ./
RUN python -m pip wheel --no-cache-dir --no-index --find-links /wheels --no-deps --wheel-dir /wheels . \
 && python -m venv --without-pip /opt/smrep \
 && python -m pip --python /opt/smrep/bin/python install --no-cache-dir --no-index --find-links /wheels --no-compile 'smrep[crt]'
# Compiled once, here: nobody can write bytecode where smrep runs. It is not compared with the sources' dates.
RUN python -m compileall -q --invalidation-mode unchecked-hash /opt/smrep/lib

FROM base
# The base image comes without the bytecode of Python's own library.
RUN python -m compileall -q --invalidation-mode unchecked-hash -x site-packages /usr/local/lib/python3.13
COPY --from=build /opt/smrep /opt/smrep
ENV PATH=/opt/smrep/bin:$PATH PYTHONDONTWRITEBYTECODE=1
ARG REVISION=unknown
LABEL org.opencontainers.image.title="smrep" \
      org.opencontainers.image.description="Replicate AWS Secrets Manager secrets to other Regions, wait for the truth, see it per Region." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="Apache-2.0"
USER 65532:65532
ENTRYPOINT ["smrep"]
