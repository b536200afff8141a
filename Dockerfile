# docker build -t dskreg . && docker run --rm -p 127.0.0.1:8501:8501 dskreg
FROM python:3.11-slim AS build
WORKDIR /source
COPY pyproject.toml setup.py README.md LICENSE* app.py ./
COPY .streamlit .streamlit
COPY pages pages
COPY dskreg dskreg
COPY artifacts/demo artifacts/demo
COPY benchmarks benchmarks
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.11-slim
COPY --from=build /wheels /wheels
# The index adds torch's CPU build, which pip prefers; the default build brings gigabytes of CUDA
RUN pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu /wheels/*.whl \
    && rm -r /wheels \
    && useradd --create-home explorer
USER explorer
# Trained models and their data: mount folders at artifacts and data to keep them
WORKDIR /home/explorer
EXPOSE 8501
HEALTHCHECK --start-period=30s --timeout=5s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8501/_stcore/health')"]
CMD ["dskreg", "app", "--address", "0.0.0.0", "--port", "8501"]
