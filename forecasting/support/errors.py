"""Exceptions: every error that this library raises on purpose, in one tree.

The message names the thing, says what is wrong with it and what to do; a face (page, command line, API) shows it
as it is. Anything that is not a `ForecastingError` is a bug.
"""


class ForecastingError(Exception):
    """The root: catch this at a face and show its message."""


class DataError(ForecastingError):
    """The figures cannot be used as they are: the reader's file or choice has to change."""


class SourceError(ForecastingError):
    """A publisher could not be reached, or sent something that is not what it usually sends."""


class ModelError(ForecastingError):
    """A model cannot forecast this series; another one may."""


class RequestError(ForecastingError):
    """The question itself is wrong: an unknown region, model or horizon."""


class JobError(ForecastingError):
    """A background fit did not finish: its worker died twice, or it ran out of time."""
