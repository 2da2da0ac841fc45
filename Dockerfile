# The app alone: no torch, nothing of the batch stage.  docs/hosting.md says where it can run.
FROM python:3.11-slim

WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --requirement requirements.txt

# Code and artifacts belong to root: the app cannot write to them.
COPY .streamlit .streamlit
COPY bounds bounds
COPY dashboard dashboard
COPY pages pages
COPY tables tables
COPY data data
COPY app.py schema.py ./
RUN python -m compileall -q bounds dashboard tables schema.py

# Hugging Face runs containers as user 1000.  What is fetched from an address is kept in /cache.
RUN useradd --create-home --uid 1000 app && install --directory --owner app --mode 700 /cache
USER app
# Sums over a histogram are short: threads that wait for each other take twice their time.
ENV OMP_NUM_THREADS=1
ENV BOUNDSCAPE_CACHE=/cache PORT=7860 PYTHONUNBUFFERED=1
EXPOSE 7860

HEALTHCHECK --start-period=30s CMD ["python", "-c", "import os, urllib.request as web; web.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/_stcore/health', timeout=5)"]
CMD ["sh", "-c", "exec python -m streamlit run app.py --server.headless=true --server.address=0.0.0.0 --server.port=$PORT"]
