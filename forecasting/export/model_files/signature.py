"""The signature of an exported model: what goes in, what comes out, in which units, and whose figures it was made from."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Any

from forecasting.data.forecast import QUANTILES
from forecasting.data.kind import Kind
from forecasting.data.panel import Panel, Statistic
from forecasting.data.series import Series
from forecasting.models import Model

#: What the files of this program say they are, and in which version of the format.
FORMAT, FORMAT_VERSION = "forecast-explorer", 1


@dataclass(frozen=True)
class Origin:
    """Whose figures a model was exported for.

    Attributes:
        source, statistic, region: as a request names them.
        unit: what the figures count or measure, plural.
        licence, attribution: of the figures.
    """

    source: str
    statistic: str
    region: str
    unit: str
    licence: str
    attribution: str

    @staticmethod
    def of(panel: Panel, statistic: Statistic, region: str) -> Origin:
        """That of one region of a panel."""
        licence, attribution = panel.licence_of(statistic.name), panel.attribution_of(statistic.name)
        return Origin(panel.source, statistic.name, region, statistic.unit, licence, attribution)


@dataclass(frozen=True)
class Tensor:
    """An input or output: its name, the type of its numbers, its shape (a number, or the name of an axis), and what it holds."""

    name: str
    type: str
    shape: tuple[int | str, ...]
    meaning: str

    def to_json(self) -> dict[str, Any]:
        """The tensor as JSON values."""
        return {"name": self.name, "type": self.type, "shape": list(self.shape), "meaning": self.meaning}


def quantiles_tensor(horizon: int, unit: str, many: bool) -> Tensor:
    """The output of every exported model: all quantiles, of many series at once or of one."""
    shape = (horizon, len(QUANTILES))
    meaning = f"{unit or 'the figures'} of each period ahead at each of the levels, never decreasing along them"
    return Tensor("quantiles", "float64", ("series", *shape) if many else shape, meaning)


@dataclass(frozen=True)
class Signature:
    """All that somebody who runs an exported model must know.

    Attributes:
        model, label, version: the method.
        alias, cycle: the frequency of the figures, and periods in a season that the file was made for; 1 for none.
        kind: what the figures are, with their bounds.
        shortest: figures that the model needs, at least.
        horizon: steps ahead; other numbers of steps need another export.
        doubt: last figures of the series that are in doubt, and so widen the bands.
        inputs, outputs: in the order of the file.
        origin: whose figures it was exported for, and `last`, the last date of them.
    """

    model: str
    label: str
    version: int
    alias: str
    cycle: int
    kind: Kind
    shortest: int
    horizon: int
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    origin: Origin
    last: str

    @staticmethod
    def of(
        model: Model,
        series: Series,
        horizon: int,
        origin: Origin,
        inputs: tuple[Tensor, ...],
        shortest: int,
        many: bool,
    ) -> Signature:
        """The signature of `model` for figures such as those of `series`."""
        frequency = series.frequency
        return Signature(
            model.name,
            model.label,
            model.version,
            frequency.alias,
            frequency.season,
            series.kind,
            shortest,
            horizon,
            inputs,
            (quantiles_tensor(horizon, origin.unit, many),),
            origin,
            series.origin.isoformat(),
        )

    def to_json(self) -> dict[str, Any]:
        """The signature as JSON values; a bound that there is not is the largest number that there is."""
        most = sys.float_info.max
        return {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "model": self.model,
            "label": self.label,
            "version": self.version,
            "frequency": self.alias,
            "cycle": self.cycle,
            "kind": self.kind.name,
            "low": max(self.kind.low, -most),
            "high": min(self.kind.high, most),
            "shortest": self.shortest,
            "horizon": self.horizon,
            "levels": list(QUANTILES),
            "inputs": [one.to_json() for one in self.inputs],
            "outputs": [one.to_json() for one in self.outputs],
            "units": self.origin.unit,
            "source": self.origin.source,
            "statistic": self.origin.statistic,
            "region": self.origin.region,
            "origin": self.last,
            "licence": self.origin.licence,
            "attribution": self.origin.attribution,
        }

    def to_metadata(self) -> dict[str, str]:
        """The signature as the properties of an ONNX file, each the JSON of its value unless that is text already."""
        return {
            name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for name, value in self.to_json().items()
        }
