"""Workers: the processes that fit, here or on a Dask cluster, and what is said to and by them."""
