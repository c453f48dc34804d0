"""Request models: the fields of a forecast request and their validation; OpenAPI describes them from here."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from forecasting.api.problem_details import InvalidField, Problem
from forecasting.data.forecast import QUANTILES
from forecasting.data.holidays import check_country
from forecasting.data.kind import CHOICES
from forecasting.data.panel import ZEROS_CHOICES
from forecasting.jobs.request import MAX_HORIZON
from forecasting.models import model
from forecasting.support.errors import ForecastingError, RequestError
from forecasting.tables.cells.number_format import NumberFormat

#: Seconds that a request may wait for its forecasts.
MAX_WAIT = 10
#: Models that a request may name.
MAX_MODELS = 20
#: Periods of the training window at most.
MAX_WINDOW = 1_000_000
#: What each field takes, for error messages and descriptions.
EXPECTED = {
    "source": "a name that /api/v1/sources lists",
    "region": "the name of a region, as /api/v1/regions lists them",
    "statistic": "the name of a statistic of the source or the table",
    "data": 'records, as [{"date": "2024-01-01", "value": 7}, …], or what pandas writes with orient="split"',
    "name": "what the posted table is called",
    "mapping": 'which column is what, as {"date": "day", "value": "cases"}',
    "number_format": 'how `data` writes numbers as text, as "1,234.5" or "1.234,5"',
    "cumulative": "true for running totals, false for counts per period",
    "kind": f"one of {', '.join(CHOICES)}",
    "zeros_at_end": f"one of {', '.join(ZEROS_CHOICES)}",
    "model": "a name that /api/v1/models lists",
    "models": f"1 to {MAX_MODELS} names that /api/v1/models lists",
    "horizon": f"a whole number from 1 to {MAX_HORIZON}",
    "quantiles": f"some of {', '.join(map(str, QUANTILES))}",
    "as_of": "a date as 2024-03-31",
    "window": "a whole number from 1",
    "covariates": "names of further columns of numbers",
    "holidays": "a country as DE, or a part of one as US-CA",
    "wait": f"seconds from 0 to {MAX_WAIT}",
    "track_record": "true or false",
    "retry": "true or false",
}


def _checked(check: Callable[[Any], object]) -> AfterValidator:
    """Validator that refuses what `check` raises a `ForecastingError` for, with its message."""

    def validate(value: Any) -> Any:
        try:
            check(value)
        except ForecastingError as error:
            raise PydanticCustomError(
                "forecasting_error", "{sentence}", {"sentence": " ".join(str(error).split())}
            ) from None
        return value

    return AfterValidator(validate)


def _levels(given: list[float]) -> None:
    known = set(QUANTILES)
    if unknown := [level for level in given if level not in known]:
        raise RequestError(f"There is no quantile {unknown[0]:g}; give {EXPECTED['quantiles']}.")


def _known_kind(given: str) -> None:
    if given not in CHOICES:
        raise RequestError(f"There is no kind '{given}'; give {EXPECTED['kind']}.")


def _known_reading(given: str) -> None:
    if given not in ZEROS_CHOICES:
        raise RequestError(f"Zeros at the end are not '{given}'; give {EXPECTED['zeros_at_end']}.")


def _table(given: Any) -> None:
    records = isinstance(given, list) and all(isinstance(record, dict) for record in given)
    if not (given is None or records or isinstance(given, dict)):
        raise RequestError(f"'data' is no table; give {EXPECTED['data']}.")


Name = Annotated[str, Field(min_length=1, max_length=200)]
ModelName = Annotated[Name, _checked(model)]
Level = Annotated[float, Field(gt=0, lt=1)]


def _field(what: str, name: str, **limits: Any) -> Any:
    return Field(description=f"{what}: {EXPECTED[name]}.", **limits)


_DATA = {"anyOf": [{"type": "array", "items": {"type": "object"}}, {"type": "object"}, {"type": "null"}]}


class ForecastRequest(BaseModel):
    """What is to be forecast: either a `region` of a `source`, or a table in `data`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    source: Name | None = _field("Where the figures come from", "source", default=None)
    region: Name | None = _field("Which region; without it all of them", "region", default=None)
    statistic: Name | None = _field(
        "What is counted; without it a source's first one, all of a table's", "statistic", default=None
    )
    data: Annotated[Any, _checked(_table), WithJsonSchema(_DATA)] = _field("Figures of one's own", "data", default=None)
    name: Name = _field("What messages call the table, and a region without a name", "name", default="data")
    mapping: dict[str, Any] | None = _field("Which column of `data` is what", "mapping", default=None)
    number_format: Annotated[Name, _checked(NumberFormat.parse)] | None = _field(
        "How numbers are written", "number_format", default=None
    )
    cumulative: bool | None = _field("Whether `data` has running totals", "cumulative", default=None)
    kind: Annotated[Name, _checked(_known_kind)] | None = _field(
        "What a figure of `data` is; without it as the figures look", "kind", default=None
    )
    zeros_at_end: Annotated[Name, _checked(_known_reading)] | None = _field(
        "What zeros at the end of counts in `data` are; without it not in yet, where the level rules them out",
        "zeros_at_end",
        default=None,
    )
    model: ModelName | None = _field("Which model", "model", default=None)
    models: list[ModelName] | None = _field(
        "Several models instead", "models", default=None, min_length=1, max_length=MAX_MODELS
    )
    horizon: int = _field("Steps ahead, counted from 1", "horizon", ge=1, le=MAX_HORIZON)
    quantiles: Annotated[list[Level], Field(min_length=1, max_length=len(QUANTILES)), _checked(_levels)] = _field(
        "Which quantiles; all 23 by default", "quantiles", default=list(QUANTILES)
    )
    as_of: date | None = _field("Only what was known then (with vintages: the newest before it)", "as_of", default=None)
    window: int | None = _field("Models see only so many last periods", "window", default=None, ge=1, le=MAX_WINDOW)
    covariates: list[Name] = _field(
        "What else to learn from, known only for the past", "covariates", default=[], max_length=100
    )
    holidays: Annotated[Name, _checked(check_country)] | None = _field(
        "Whose public holidays matter, for counts of days", "holidays", default=None
    )
    wait: float = _field("How long the answer may take before it is a job", "wait", default=0, ge=0, le=MAX_WAIT)
    track_record: bool = _field(
        "Forecast again from earlier dates, too, and say in `answers` how good that was", "track_record", default=False
    )
    retry: bool = _field("Begin again what failed, ran out of time or was cancelled", "retry", default=False)

    @model_validator(mode="after")
    def _one_of_each(self) -> ForecastRequest:
        """Require either a source or data, either a model or models, and no field that belongs to the other one."""
        if (self.source is None) == (self.data is None):
            raise _error("Give either 'source' or 'data'.")
        if (self.model is None) == (self.models is None):
            raise _error("Give either 'model' or 'models'.")
        for field in ("mapping", "cumulative", "number_format", "kind", "zeros_at_end"):
            if self.data is None and getattr(self, field) is not None:
                raise _error(f"'{field}' is about 'data'; a source knows by itself.")
        return self

    @property
    def names(self) -> list[str]:
        """Model names, each once."""
        return list(dict.fromkeys(self.models or [self.model or ""]))

    @property
    def levels(self) -> tuple[float, ...]:
        """Quantiles, ascending, each once."""
        return tuple(level for level in QUANTILES if level in set(self.quantiles))


def _error(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("forecasting_error", "{sentence}", {"sentence": sentence})


def parse_request(content: bytes) -> ForecastRequest:
    """Parse a request body. Raises `Problem` 422 that names every invalid field."""
    try:
        return ForecastRequest.model_validate_json(content)
    except ValidationError as error:
        raise Problem.of_fields(invalid_fields(error.errors(include_url=False))) from None


def invalid_fields(errors: Sequence[ErrorDetails], of: type[BaseModel] | None = None) -> list[InvalidField]:
    """Convert pydantic's errors to a sentence each."""
    return [_invalid_field(error, sorted((of or ForecastRequest).model_fields)) for error in errors]


def _invalid_field(error: ErrorDetails, known: list[str]) -> InvalidField:
    if error["type"] == "json_invalid":
        return InvalidField("", f"The request is no JSON: {error['ctx']['error']}.")
    if not error["loc"]:
        sentence = error["msg"] if error["type"] == "forecasting_error" else "The request is not a JSON object."
        return InvalidField("", sentence)
    name = str(error["loc"][0])
    path = ".".join(str(part) for part in error["loc"])
    if error["type"] == "forecasting_error":
        return InvalidField(path, error["msg"])
    if error["type"] == "extra_forbidden":
        return InvalidField(name, f"There is no field {_quoted(name)}; there are {', '.join(known)}.")
    expected = EXPECTED.get(name, "something else")
    if error["type"] == "missing":
        return InvalidField(name, f"'{name}' is missing; give {expected}.")
    return InvalidField(path, f"'{path}' is {_quoted(error['input'])}; give {expected}.")


def _quoted(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 40 else text[:39] + "…"
