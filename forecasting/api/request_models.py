"""What may be asked and what is answered, field by field; the OpenAPI page is made of this."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from forecasting.api.problem_details import Problem, Wrong
from forecasting.data.forecast import QUANTILES
from forecasting.data.holidays import check as known_country
from forecasting.jobs.request import MAX_HORIZON
from forecasting.models import model
from forecasting.support.errors import ForecastingError, RequestError

#: Seconds that a request may wait for its forecasts, and models that it may name.
MAX_WAIT = 10
MAX_MODELS = 20
#: Periods that models may be told to look back.
MAX_WINDOW = 1_000_000
#: What each field is, as a person is told who gave something else.
GIVE = {
    "source": "a name that /api/v1/sources lists",
    "region": "the name of a region, as /api/v1/regions lists them",
    "statistic": "the name of a statistic of the source or the table",
    "data": 'records, as [{"date": "2024-01-01", "value": 7}, …], or what pandas writes with orient="split"',
    "name": "what the posted table is called",
    "mapping": 'which column is what, as {"date": "day", "value": "cases"}',
    "cumulative": "true for running totals, false for counts per period",
    "model": "a name that /api/v1/models lists",
    "models": f"1 to {MAX_MODELS} names that /api/v1/models lists",
    "horizon": f"a whole number from 1 to {MAX_HORIZON}",
    "quantiles": f"some of {', '.join(map(str, QUANTILES))}",
    "as_of": "a date as 2024-03-31",
    "window": "a whole number from 1",
    "covariates": "names of further columns of numbers",
    "holidays": "a country as DE, or a part of one as US-CA",
    "wait": f"seconds from 0 to {MAX_WAIT}",
    "retry": "true or false",
}


def _checked(check: Callable[[Any], object]) -> AfterValidator:
    """Refuses what `check` refuses, in its own words."""

    def validate(value: Any) -> Any:
        try:
            check(value)
        except ForecastingError as error:
            raise PydanticCustomError("said", "{sentence}", {"sentence": " ".join(str(error).split())}) from None
        return value

    return AfterValidator(validate)


def _levels(given: list[float]) -> None:
    known = set(QUANTILES)
    if unknown := [level for level in given if level not in known]:
        raise RequestError(f"There is no quantile {unknown[0]:g}; give {GIVE['quantiles']}.")


def _table(given: Any) -> None:
    records = isinstance(given, list) and all(isinstance(record, dict) for record in given)
    if not (given is None or records or isinstance(given, dict)):
        raise RequestError(f"'data' is no table; give {GIVE['data']}.")


Name = Annotated[str, Field(min_length=1, max_length=200)]
ModelName = Annotated[Name, _checked(model)]
Level = Annotated[float, Field(gt=0, lt=1)]


def _field(what: str, name: str, **limits: Any) -> Any:
    return Field(description=f"{what}: {GIVE[name]}.", **limits)


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
    cumulative: bool | None = _field("Whether `data` has running totals", "cumulative", default=None)
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
    holidays: Annotated[Name, _checked(known_country)] | None = _field(
        "Whose public holidays matter, for counts of days", "holidays", default=None
    )
    wait: float = _field("How long the answer may take before it is a job", "wait", default=0, ge=0, le=MAX_WAIT)
    retry: bool = _field("Begin again what failed, ran out of time or was cancelled", "retry", default=False)

    @model_validator(mode="after")
    def _one_of_each(self) -> ForecastRequest:
        """Either a source or data, either a model or models, and of the others what belongs to these."""
        if (self.source is None) == (self.data is None):
            raise _said("Give either 'source' or 'data'.")
        if (self.model is None) == (self.models is None):
            raise _said("Give either 'model' or 'models'.")
        for field in ("mapping", "cumulative"):
            if self.data is None and getattr(self, field) is not None:
                raise _said(f"'{field}' is about 'data'; a source knows by itself.")
        return self

    @property
    def names(self) -> list[str]:
        """The models, each once."""
        return list(dict.fromkeys(self.models or [self.model or ""]))

    @property
    def levels(self) -> tuple[float, ...]:
        """The quantiles, ascending, each once."""
        return tuple(level for level in QUANTILES if level in set(self.quantiles))


def _said(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("said", "{sentence}", {"sentence": sentence})


def parsed(content: bytes) -> ForecastRequest:
    """The request that a body is. Raises `Problem` 422 that names every field that is wrong."""
    try:
        return ForecastRequest.model_validate_json(content)
    except ValidationError as error:
        raise Problem.fields(wrong(error.errors(include_url=False))) from None


def wrong(errors: Sequence[ErrorDetails], of: type[BaseModel] | None = None) -> list[Wrong]:
    """What pydantic found, a sentence each."""
    return [_wrong(error, sorted((of or ForecastRequest).model_fields)) for error in errors]


def _wrong(error: ErrorDetails, known: list[str]) -> Wrong:
    if error["type"] == "json_invalid":
        return Wrong("", f"The request is no JSON: {error['ctx']['error']}.")
    if not error["loc"]:
        sentence = error["msg"] if error["type"] == "said" else "The request is not a JSON object."
        return Wrong("", sentence)
    name = str(error["loc"][0])
    path = ".".join(str(part) for part in error["loc"])
    if error["type"] == "said":
        return Wrong(path, error["msg"])
    if error["type"] == "extra_forbidden":
        return Wrong(name, f"There is no field {_quoted(name)}; there are {', '.join(known)}.")
    give = GIVE.get(name, "something else")
    if error["type"] == "missing":
        return Wrong(name, f"'{name}' is missing; give {give}.")
    return Wrong(path, f"'{path}' is {_quoted(error['input'])}; give {give}.")


def _quoted(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 40 else text[:39] + "…"
