"""The HTTP API: forecasts as JSON over `Service`, without Streamlit; `server.py` joins it with the pages.

::

    app               create_app(service): the FastAPI application, its routes and error handlers
    routes            the handler of each route
    request_models    what may be asked, field by field       response_models   what is answered, for OpenAPI
    build_requests    API request -> series -> queue jobs     posted_panel      posted data -> Panel
    job_register      API jobs by id, for every replica       forecast_json     queue jobs -> JSON
    response_cache    complete responses as bytes             problem_details   errors -> JSON (RFC 9457)
    access_control    API keys and rate limit on every route  api_keys, rate_limit, request_body  (each of the checks)
    request_log       request ids, log lines and headers      health            /healthz, /readyz
    swagger_ui        /api/docs, with `examples` that run     swagger           Swagger UI, unchanged
    connection_limits slow and too many connections           page_access       who may open a page
    security_headers  headers of everything but the API
"""
