# One image for servers and Dask workers: `docker build -t forecast-explorer .`
FROM python:3.11-slim AS packages
COPY requirements.txt requirements-service.txt /
# The libraries' own tests take much room and are of no use here.
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir -r /requirements-service.txt \
    && find /venv -type d -name tests -prune -exec rm -r {} +

FROM python:3.11-slim
# Fits read and write nothing but FORECAST_HOME, so nobody in here has to be root.
RUN useradd --create-home --uid 10001 forecast && install -d -o forecast /data
COPY --from=packages /venv /venv
WORKDIR /app
COPY . .
# PYTHONPATH: a Dask worker is started by a script of /venv/bin, which would not look here. MALLOC_ARENA_MAX: the threads of
# many visitors share two heaps, which takes a tenth of a server's memory less.
ENV PATH=/venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 MALLOC_ARENA_MAX=2 FORECAST_HOME=/data
USER forecast
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as web; web.urlopen('http://127.0.0.1:8501/healthz', timeout=4)"]
CMD ["python", "-m", "forecasting", "serve", "--host", "0.0.0.0", "--port", "8501"]
