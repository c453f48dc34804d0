"""Worker processes that fit models: on this machine or on a Dask cluster, and the protocol between them and the queue."""
