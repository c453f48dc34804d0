"""A week's files for a forecast hub in one step: all places and weeks, the hub's names, categories of change, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from forecasting.cli.main import main
from forecasting.data.frequency import weekly
from forecasting.data.joint_futures import joint_futures
from forecasting.data.series import Series
from forecasting.data.us_states import FIPS
from forecasting.export.hub_rules import COLUMNS, hub_rule_violations
from forecasting.export.hub_submission import CATEGORIES, PLACES, RULES, rate_change_probabilities
from forecasting.models import model


@pytest.fixture(autouse=True)
def offline(tmp_path, monkeypatch):
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FORECAST_OFFLINE", "1")


def submitted(tmp_path, *options, model="naive"):
    """The exit code of a submission to `tmp_path`/out, and what it wrote, by name."""
    folder = tmp_path / "out"
    code = main(["submit", "--team", "Acme", "--model", model, "--output", str(folder), *options])
    return code, {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.*")}


def admissions(tmp_path, places, last=500.0):
    """A file of three years of weeks to Saturdays."""
    weeks = pd.date_range("2023-01-07", periods=160, freq="W-SAT")
    rng = np.random.default_rng(1)
    rows = [(week, place, round(last * (0.9 + 0.2 * rng.random()))) for place in places for week in weeks]
    path = tmp_path / "flu.csv"
    pd.DataFrame(rows, columns=["date", "region", "value"]).to_csv(path, index=False)
    return path


def test_the_hubs_places_are_the_nation_the_states_dc_and_puerto_rico():
    assert len(PLACES) == 53
    assert set(PLACES) - {"US"} < set(FIPS)
    assert {PLACES["US"], PLACES["11"], PLACES["72"]} == {"United States", "District of Columbia", "Puerto Rico"}
    assert not {"60", "66", "69", "78"} & set(PLACES)


def test_every_place_and_week_of_the_covid_hub_is_in_one_file_that_it_takes(tmp_path, capsys):
    code, files = submitted(tmp_path, "--hub", "covid", "--source", "bundled", "--as", "Walk")
    assert code == 0
    assert set(files) == {"2026-04-04-Acme-Walk.csv", "Acme-Walk.yml"}
    table = pd.read_csv(tmp_path / "out" / "2026-04-04-Acme-Walk.csv", dtype={"location": str})
    assert list(table.columns) == list(COLUMNS)
    assert hub_rule_violations(table) == []
    assert len(table) == 53 * 4 * 23
    assert set(table["location"]) == set(PLACES)
    assert set(table["horizon"]) == {0, 1, 2, 3}
    assert set(table["target"]) == {"wk inc covid hosp"}
    assert "COVID-19 Forecast Hub" in capsys.readouterr().err


def test_flu_has_whole_numbers_and_categories_of_change_and_places_without_a_forecast_are_said(tmp_path, capsys):
    file = admissions(tmp_path, ["Ohio", "TX", "Guam"])
    code, files = submitted(tmp_path, "--hub", "flu", "--input", str(file))
    (name,) = [name for name in files if name.endswith(".csv")]
    table = pd.read_csv(tmp_path / "out" / name, dtype={"location": str})
    assert code == 1
    said = capsys.readouterr().err
    assert "The hub takes no forecasts of Guam, so none is made." in said
    assert "Of the hub's 53 places 51 have no forecast: United States, " in said
    assert set(table["location"]) == {"39", "48"}
    counts, changes = (table[table["output_type"] == kind] for kind in ("quantile", "pmf"))
    assert (counts["value"] == counts["value"].round()).all()
    assert set(changes["target"]) == {"wk flu hosp rate change"}
    assert changes.groupby(["location", "horizon"])["value"].sum().to_numpy() == pytest.approx(1)
    assert set(changes["output_type_id"]) == set(CATEGORIES)


def test_in_a_copy_of_a_hub_files_go_to_its_folders_and_metadata_that_is_there_stays(tmp_path):
    (tmp_path / "out" / "model-output").mkdir(parents=True)
    about = tmp_path / "out" / "model-metadata" / "Acme-naive.yml"
    about.parent.mkdir()
    about.write_text("team_name: ours")
    _, files = submitted(tmp_path, "--hub", "flu", "--input", str(admissions(tmp_path, ["Ohio"])))
    (name,) = [name for name in files if name.endswith(".csv")]
    assert name.startswith("model-output/Acme-naive/2026-")
    assert name.endswith("-Acme-naive.csv")
    assert about.read_text() == "team_name: ours"


def test_a_dry_run_shows_each_place_and_writes_nothing(tmp_path, capsys):
    file = str(admissions(tmp_path, [*PLACES.values()]))
    code = main(["submit", "--hub", "flu", "--team", "Acme", "--model", "naive", "--dry-run", "--input", file])
    said = capsys.readouterr()
    assert code == 0
    assert len(said.out.splitlines()) == 2 * 53
    assert "Ohio, wk inc flu hosp: 0: " in said.out
    assert "Nothing is written. 2026-01-31-Acme-naive.csv would have 5,936 rows" in said.err
    assert not list(tmp_path.glob("*-Acme-*"))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--hub", "flu", "--team", "A-b"], "--team is 'A-b'; a hub takes letters, digits and _, 15 of them at most."),
        (["--hub", "flu", "--team", "A", "--as", "x" * 16], "15 of them at most."),
        (["--hub", "flu", "--team", "A", "--output", ""], "--output is missing"),
        (["--hub", "rsv", "--team", "A", "--source", "bundled"], "'bundled' has no RSV admissions; give a --source"),
        (["--hub", "measles", "--team", "A"], "measles"),
        (["--hub", "flu", "--team", "A", "--model", "oracle"], "oracle"),
    ],
)
def test_what_cannot_be_is_one_sentence(options, sentence, tmp_path, capsys):
    output = [] if "--output" in options else ["--output", str(tmp_path / "out")]
    options = [one for one in options if one not in ("--output", "")]
    assert main(["submit", *options, *output]) == 2
    assert sentence in capsys.readouterr().err


def test_places_that_are_none_of_the_hub_s_are_refused(tmp_path, capsys):
    assert submitted(tmp_path, "--hub", "flu", "--input", str(admissions(tmp_path, ["Berlin", "Hamburg"])))[0] == 2
    assert "has none of the hub's places; it has " in capsys.readouterr().err


def forecast(around, spread):
    """A forecast of weekly counts around a level, five weeks ahead."""
    values = around + spread * np.sin(np.arange(150.0))
    return model("naive").forecast(Series(pd.Timestamp("2024-01-06"), weekly("SAT"), values), 5)


def test_a_change_is_counted_from_the_week_before_the_reference_date_with_the_hub_s_thresholds():
    made, change = forecast(500.0, 40.0), RULES["flu"].rate_change
    futures = joint_futures(made)
    people = 1_000_000  # 10 admissions are 1 per 100,000
    for skipped, before in ((0, np.full(len(futures), 480.0)), (1, futures[:, 0])):
        table = rate_change_probabilities(made, 480.0, skipped, people, change)
        assert table.shape == (4, 5)
        assert table.sum(axis=1) == pytest.approx(1)
        rates = (futures[:, skipped + 1] - before) / 10  # horizon 1: stable below 1, large from 3
        assert table[1] == pytest.approx(
            [
                np.mean(rates <= -3),
                np.mean((rates > -3) & (rates <= -1)),
                np.mean(np.abs(rates) < 1),
                np.mean((rates >= 1) & (rates < 3)),
                np.mean(rates >= 3),
            ]
        )


def test_a_change_of_fewer_than_ten_admissions_is_stable_however_few_people_there_are():
    made = forecast(3.0, 1.0)
    assert joint_futures(made).max() < 13
    table = rate_change_probabilities(made, 3.0, 0, 1_000, RULES["flu"].rate_change)
    assert table[:, CATEGORIES.index("stable")] == pytest.approx(1)
