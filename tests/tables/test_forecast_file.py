import gzip

import pandas as pd
import pytest

from forecasting.data.columns import FORECASTS
from forecasting.data.forecast import QUANTILES
from forecasting.data.us_states import FIPS, STATES, match_places, postal_code
from forecasting.export import file_formats, hub_format
from forecasting.support.errors import DataError
from forecasting.tables.forecast_file import read_forecasts, read_truth

ORIGIN = pd.Timestamp("2024-11-16")
TIDY = "region,model,origin,horizon,date,quantile,value\n"
HUB = "reference_date,target,horizon,target_end_date,location,output_type,output_type_id,value\n"


@pytest.fixture
def ours() -> pd.DataFrame:
    """Two weeks of two states by one model, as the forecasts table."""
    rows = [
        (region, "team-model", ORIGIN, horizon, ORIGIN + pd.Timedelta(days=7 * horizon), level, 100 * level + horizon)
        for region in ("Alabama", "Ohio")
        for horizon in (1, 2)
        for level in QUANTILES
    ]
    return pd.DataFrame(rows, columns=list(FORECASTS))


def write(tmp_path, text, name="team-model.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["f.csv", "f.csv.gz", "f.parquet"])
def test_our_own_table_is_read_back_as_it_was_written(tmp_path, ours, name):
    path, text = tmp_path / name, file_formats.to_csv(ours)
    path.write_bytes(
        file_formats.to_parquet(ours) if name.endswith("parquet") else text if name == "f.csv" else gzip.compress(text)
    )
    pd.testing.assert_frame_equal(read_forecasts(path), ours, check_dtype=False)


def test_a_hub_s_file_is_the_same_forecasts_by_the_model_that_the_file_is_called_after(tmp_path, ours):
    hub = hub_format.to_hub_table(ours)
    path = tmp_path / "team-model.csv"
    hub.to_csv(path, index=False)
    pd.testing.assert_frame_equal(read_forecasts(path, regions=["Alabama", "Ohio"]), ours, check_dtype=False)
    assert set(read_forecasts(path)["region"]) == {"01", "39"}
    assert set(read_forecasts(path, regions=["AL", "OH", "US"])["region"]) == {"AL", "OH"}
    hub.assign(model_id="other").to_csv(path, index=False)
    assert set(read_forecasts(path)["model"]) == {"other"}


def test_a_collection_of_hub_forecasts_counts_horizons_from_1_after_an_origin_a_week_before(tmp_path):
    text = "model,reference_date,region,horizon,quantile,value\nm,2024-11-23,AK,0,0.5,3\nm,2024-11-23,AK,3,0.5,4\n"
    table = read_forecasts(write(tmp_path, text))
    assert table["origin"].tolist() == [ORIGIN] * 2
    assert table["horizon"].tolist() == [1, 4]
    assert table["date"].tolist() == [pd.Timestamp("2024-11-23"), pd.Timestamp("2024-12-14")]


def test_rows_without_quantiles_and_weeks_that_had_come_are_left_out_and_said(tmp_path):
    rows = (
        "2024-11-23,hosp,0,2024-11-23,US,mean,NA,3\n"
        "2024-11-23,hosp,-1,2024-11-16,US,quantile,0.5,3\n"
        "2024-11-23,hosp,0,2024-11-23,US,quantile,0.5,3\n"
    )
    table = read_forecasts(write(tmp_path, HUB + rows))
    assert len(table) == 1
    assert [note[:10] for note in table.attrs["notes"]] == ["1 rows are"] * 2


def test_several_targets_become_several_statistics(tmp_path):
    rows = "".join(f"2024-11-23,{target},0,2024-11-23,US,quantile,0.5,3\n" for target in ("hosp", "deaths"))
    assert read_forecasts(write(tmp_path, HUB + rows))["statistic"].tolist() == ["hosp", "deaths"]


def test_crossing_quantiles_are_read_and_said(tmp_path):
    rows = "A,m,2024-01-01,1,2024-01-02,0.25,5\nA,m,2024-01-01,1,2024-01-02,0.5,4\nA,m,2024-01-01,1,2024-01-02,0.75,6\n"
    notes = read_forecasts(write(tmp_path, TIDY + rows)).attrs["notes"]
    assert notes == ("1 forecasts have quantiles that cross; they are scored as they are.",)


GOOD = "A,m,2024-01-01,1,2024-01-02,0.5,5\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TIDY + GOOD + "A,m,2024-01-01,2,2024-01-03,0.5,many\n", "f.csv, line 3: 'many' in the column 'value'"),
        (TIDY + "A,m,2024-01-01,1,2024-01-02,50,5\n", "f.csv, line 2: the quantile 50 is not between 0 and 1"),
        (TIDY + "A,m,2024-01-01,1,2024-01-02,1,5\n", "line 2: the quantile 1 is not"),
        (TIDY + "A,m,2024-01-01,1,2024-01-02,0.5,\n", "line 2: there is no number in the column 'value'"),
        (TIDY + "A,m,2024-01-01,1.5,2024-01-02,0.5,5\n", "line 2: the horizon 1.5 is not a whole number"),
        (TIDY + "A,m,soon,1,2024-01-02,0.5,5\n", "line 2: 'soon' in the column 'origin' is not a date"),
        (
            TIDY + "A,m,2024-01-03,1,2024-01-02,0.5,5\n",
            "line 2: the date 2024-01-02 is not after the origin 2024-01-03",
        ),
        (TIDY + ",m,2024-01-01,1,2024-01-02,0.5,5\n", "line 2: the column 'region' is empty"),
        (TIDY + GOOD + GOOD, "line 3: the quantile 0.5 of m for A is also in line 2"),
        (TIDY + GOOD + "A,m,2024-01-01,1,2024-01-05,0.7,5\n", "f.csv: m's forecast for A from 2024-01-01, horizon 1,"),
        (TIDY, "there is a header but no row below it"),
        ("", "the file is empty"),
        (TIDY.replace("quantile", "level") + GOOD, "no column is called 'quantile' among 'region', "),
        ("region,date,value\nA,2024-01-01,5\n", "no column is called 'reference_date' among 'region', 'date', 'value'"),
        (HUB + "2024-11-23,t,0,2024-11-23,US,mean,NA,3\n", "no row has 'quantile' in the column 'output_type'"),
        (HUB + "2024-11-23,t,-1,2024-11-16,US,quantile,0.5,3\n", "no row is for a period after its origin"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line_with_its_place_and_a_cure(tmp_path, text, message):
    with pytest.raises(DataError) as caught:
        read_forecasts(write(tmp_path, text, "f.csv"))
    assert message in str(caught.value)
    assert str(caught.value).startswith("f.csv")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"nix\.csv: no such file"):
        read_forecasts(tmp_path / "nix.csv")


def test_the_truth_of_a_single_date_is_enough(tmp_path):
    table = read_truth(write(tmp_path, "region,date,value\nA,2024-01-01,5\nB,2024-01-01,\n"))
    assert table["value"].tolist()[0] == 5
    assert table["value"].isna().tolist() == [False, True]


def test_a_truth_given_twice_is_an_error_that_names_the_line(tmp_path):
    with pytest.raises(DataError, match=r"truth\.csv, line 3: A on 2024-01-01 has a value already"):
        read_truth(write(tmp_path, "region,date,value\nA,2024-01-01,5\nA,2024-01-01,6\n", "truth.csv"))


def test_running_totals_become_their_steps_and_a_fall_is_not_known(tmp_path):
    text = "date,A\n2024-01-01,5\n2024-01-02,9\n2024-01-03,7\n2024-01-04,8\n"
    table = read_truth(write(tmp_path, text, "cumulative.csv")).groupby("statistic", sort=False)["value"].apply(list)
    new, total = table.iloc[0], table.iloc[1]
    assert [new[1], new[3]] == [4, 1]
    assert pd.isna([new[0], new[2]]).all()
    assert total == [5, 9, 7, 8]


def test_of_vintages_the_newest_is_the_truth(tmp_path):
    rows = (
        "2024-02-01,A,2024-01-01,5\n2024-02-01,A,2024-01-02,6\n2024-03-01,A,2024-01-01,7\n2024-03-01,A,2024-01-02,8\n"
    )
    assert read_truth(write(tmp_path, "as_of,region,date,value\n" + rows))["value"].tolist() == [7, 8]


def test_every_us_place_is_known_by_its_code_its_letters_and_its_name():
    assert sorted(FIPS.values()) == sorted(STATES)
    assert {postal_code(name) for name in ("1", "01", "AL", "al", "Alabama")} == {"AL"}
    assert {postal_code(name) for name in ("US", "United States")} == {"US"}
    assert postal_code("Europe") is None


def test_a_name_that_is_known_already_is_never_changed():
    known = ["GA", "Georgia", "Ohio"]
    assert match_places(["GA", "Georgia", "39", "Europe", "US"], known) == {
        "GA": "GA",
        "Georgia": "Georgia",
        "39": "Ohio",
        "Europe": "Europe",
        "US": "US",
    }
