"""A worker that knows the scripted models too."""

import scripted

from forecasting.jobs import worker

scripted.register()
worker.main()
