import io

import numpy as np
import pandas as pd
import pytest

from forecasting import Series, export, model
from forecasting.errors import DataError
from forecasting.frequency import DAILY, weekly


def table(frequency=None, start="2024-11-09", horizon=6) -> pd.DataFrame:
    series = Series(pd.Timestamp(start), frequency or weekly("SAT"), np.array([100.0, 90.5, 80 / 3]))
    return model("naive").forecast(series, horizon).table("Ohio")


def test_csv_and_parquet_give_back_the_same_numbers_to_the_last_digit():
    original = table()
    csv = pd.read_csv(io.BytesIO(export.to_csv(original)), dtype=str)
    parquet = pd.read_parquet(io.BytesIO(export.to_parquet(original)))
    assert csv["value"].map(float).tolist() == original["value"].tolist()
    assert (parquet["value"] == original["value"]).all()
    assert list(csv.columns) == list(parquet.columns) == list(original.columns)
    assert csv["date"].iloc[0] == "2024-11-30"


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\tx"])
def test_text_that_a_spreadsheet_would_run_is_defused(name):
    (line,) = export.to_csv(pd.DataFrame({"region": [name], "value": [-1.0]})).decode().splitlines()[1:]
    assert line.lstrip('"').startswith("'")
    assert line.endswith(",-1.0")


def test_the_hub_format_counts_from_the_saturday_after_the_data():
    hub = export.to_hub(table())
    assert list(hub.columns) == [
        "reference_date", "target", "horizon", "target_end_date", "location", "output_type", "output_type_id", "value",
    ]  # fmt: skip
    assert (hub["reference_date"] == pd.Timestamp("2024-11-30")).all()
    assert sorted(hub["horizon"].unique()) == [0, 1, 2, 3]
    ends = hub["reference_date"] + pd.to_timedelta(7 * hub["horizon"], unit="D")
    assert (ends == hub["target_end_date"]).all()
    assert hub.groupby("horizon")["output_type_id"].nunique().eq(23).all()


def test_daily_forecasts_have_no_hub_format_and_say_so():
    with pytest.raises(DataError, match="weeks that end on Saturdays"):
        export.to_hub(table(DAILY))
