"""The HTTP API, another face of `Service`: it never imports streamlit; `server.py` joins it with the pages.

::

    app         make(service): the FastAPI application      operations  what each address does
    schemas     what may be asked, field by field       asking      question -> cases -> jobs in the queue
    posted      posted figures -> Panel                 register    what was asked, by the job's id, for every replica
    answers     jobs -> JSON; written: kept as bytes    problems    errors -> JSON, one sentence each
    doorway     keys, rate and size before all else     keys, rates, bodies     each of these
    watching    ids, logs and headers of all requests   health      /healthz, /readyz
    documents   /api/docs, with `examples` that run     swagger     Swagger UI as its makers publish it
"""
