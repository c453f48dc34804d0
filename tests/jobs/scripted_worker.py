"""A worker that knows the scripted models too."""

import scripted

from forecasting.jobs.workers import worker
from forecasting.models import models

models().clear()  # nothing heavy to warm up
scripted.register()
worker.main()
