# docker build -t certainty . && docker run --rm -p 127.0.0.1:8000:8000 certainty
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY certainty certainty
COPY models/NOTICE.md models/NOTICE.md
COPY models/certainty-fr-small models/certainty-fr-small
RUN python -m venv /opt/certainty && /opt/certainty/bin/pip install --no-cache-dir '.[server]'

FROM python:3.13-slim
COPY --from=build /opt/certainty /opt/certainty
# Within the container only; what is published is said to `docker run`.
ENV PATH=/opt/certainty/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    CERTAINTY_HOST=0.0.0.0
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["certainty", "serve"]
