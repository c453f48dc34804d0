"""Named data sets: partitioned, by any file system, and no more of them read than is needed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from forecasting.cli.main import main
from forecasting.sources import source
from forecasting.support.errors import DataError, RequestError, SourceError


def figures(days: int = 60, regions: tuple[str, ...] = ("01", "02", "A b")) -> pd.DataFrame:
    dates = pd.date_range("2024-01-01", periods=days)
    return pd.DataFrame(
        {
            "region": np.repeat(regions, days),
            "date": np.tile(dates, len(regions)),
            "value": np.arange(days * len(regions)),
            "tests": np.arange(days * len(regions)) / 2,
            "remark": "long and of no use",
        }
    )


def partitioned(folder, kind: str = "parquet", by: tuple[str, ...] = ("region",)) -> None:
    table = pa.Table.from_pandas(figures(), preserve_index=False)
    parts = ds.partitioning(pa.schema([table.schema.field(key) for key in by]), flavor="hive")
    ds.write_dataset(table, folder, format=kind, partitioning=parts)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A data set's folder, which the configuration names."""
    monkeypatch.setenv("FORECAST_DATA_WARDS", str(tmp_path / "wards"))
    return tmp_path / "wards"


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_partitioned_folder_is_one_table_and_its_keys_stay_text(kind, folder):
    partitioned(folder, kind)
    (folder / "_SUCCESS").write_text("")
    (folder / "notes.md").write_text("not a table")
    panel = source("data-wards").panel()
    expected = figures().drop(columns="remark").astype({"value": float})
    pd.testing.assert_frame_equal(panel.table[list(expected)], expected, check_dtype=False)
    assert panel.covariates() == ["tests"]
    assert "Left out, because they hold no numbers: remark." in panel.notes


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_of_the_regions_that_are_not_wanted_nothing_is_read(kind, folder, monkeypatch):
    partitioned(folder, kind)
    for file in (folder / "region=02").iterdir():
        file.write_bytes(b"\xff\x00 this is no table")
    with pytest.raises((SourceError, DataError)):
        source("data-wards").panel()
    monkeypatch.setenv("FORECAST_DATA_WARDS_REGIONS", "01, A b")
    assert source("data-wards").panel().regions() == ["01", "A b"]


def test_only_the_wanted_columns_and_row_groups_are_read(folder, monkeypatch):
    pytest.importorskip("fsspec")
    from fsspec.implementations.memory import MemoryFile, MemoryFileSystem

    table = figures(20_000, tuple("ABCDEFGH"))
    table["noise"] = np.random.default_rng(1).random(len(table)).astype(str)
    folder.mkdir()
    table.to_parquet(folder / "all.parquet", index=False, row_group_size=10_000, compression="none")
    whole = (folder / "all.parquet").read_bytes()
    memory = MemoryFileSystem()
    memory.pipe("/wards/all.parquet", whole)
    monkeypatch.setenv("FORECAST_DATA_WARDS", "memory://wards")
    taken: list[int] = []

    def counted(self, *size):
        content = plain(self, *size)
        taken.append(len(content))
        return content

    plain = MemoryFile.read
    monkeypatch.setattr(MemoryFile, "read", counted, raising=False)

    def bytes_for(**options: str) -> tuple[int, int]:
        taken.clear()
        with monkeypatch.context() as also:
            for name, text in options.items():
                also.setenv(f"FORECAST_DATA_WARDS_{name}", text)
            return len(source("data-wards").panel().table), sum(taken)

    rows, columns_only = bytes_for()
    assert (rows, columns_only < 0.7 * len(whole)) == (len(table), True)
    rows, one_region = bytes_for(REGIONS="C")
    assert (rows, one_region < 0.3 * columns_only) == (20_000, True)
    rows, last_days = bytes_for(REGIONS="C", SINCE="2060-01-01")
    assert rows == (table["date"] >= "2060-01-01").sum() / 8
    assert last_days < one_region


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_dates_before_the_wanted_ones_are_not_read(kind, folder, monkeypatch):
    partitioned(folder, kind)
    monkeypatch.setenv("FORECAST_DATA_WARDS_SINCE", "2024-02-01")
    table = source("data-wards").panel().table
    assert table["date"].min() == pd.Timestamp("2024-02-01")
    assert len(table) == 3 * 29
    monkeypatch.setenv("FORECAST_DATA_WARDS_SINCE", "1.2.2024")
    with pytest.raises(RequestError, match=r"FORECAST_DATA_WARDS_SINCE is '1.2.2024'; give a date as YYYY-MM-DD"):
        source("data-wards").panel()
    monkeypatch.setenv("FORECAST_DATA_WARDS_SINCE", "2034-02-01")
    with pytest.raises(SourceError, match="no row"):
        source("data-wards").panel()


def test_a_key_that_is_no_column_of_ours_is_not_taken_for_a_covariate(tmp_path, monkeypatch):
    table = figures().assign(year=2024)
    parts = ds.partitioning(pa.schema([("year", pa.int64()), ("region", pa.string())]), flavor="hive")
    ds.write_dataset(pa.Table.from_pandas(table), tmp_path / "y", format="parquet", partitioning=parts)
    monkeypatch.setenv("FORECAST_DATA_WARDS", (tmp_path / "y").as_uri())
    panel = source("data-wards").panel()
    assert panel.regions() == ["01", "02", "A b"]
    assert panel.covariates() == ["tests"]


def test_a_single_file_of_any_kind_is_read_as_one_that_a_reader_gives(tmp_path, monkeypatch):
    rows = "".join(f"{day:02d}.03.2024;{day},5\n" for day in range(1, 31))
    (tmp_path / "counts.csv").write_text(f"date;value\n{rows}")
    monkeypatch.setenv("FORECAST_DATA_WARDS", str(tmp_path / "counts.csv"))
    assert source("data-wards").panel().table["value"].tolist()[:2] == [1.5, 2.5]
    figures().to_excel(tmp_path / "counts.xlsx", index=False)
    monkeypatch.setenv("FORECAST_DATA_WARDS", str(tmp_path / "counts.xlsx"))
    assert len(source("data-wards").panel().table) == 180


def test_any_file_system_of_fsspec_will_do(monkeypatch):
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    for region, rows in figures().groupby("region"):
        memory.pipe(f"/some/where/{region}.csv", rows.to_csv(index=False, sep=";").encode())
    monkeypatch.setenv("FORECAST_DATA_FAR", "memory://some/where")
    assert source("data-far").panel().regions() == ["01", "02", "A b"]


def test_more_rows_than_allowed_are_not_read(folder, monkeypatch):
    partitioned(folder)
    monkeypatch.setenv("FORECAST_MAX_ROWS", "100")
    with pytest.raises(SourceError, match="'data-wards' has more than 100 rows"):
        source("data-wards").panel()


@pytest.mark.parametrize(
    "address",
    [
        "/no/such/secret-folder",
        "secret-scheme://key:secret@host/x",
        "s3://key:secret@127.0.0.1:1/x?region=secret&wrong=1",
    ],
)
def test_an_address_that_leads_nowhere_is_not_repeated(address, monkeypatch, capsys):
    monkeypatch.setenv("FORECAST_DATA_WARDS", address)
    assert main(["regions", "--source", "data-wards"]) == 2
    said = capsys.readouterr()
    assert "FORECAST_DATA_WARDS" in said.err
    assert len(said.err.splitlines()) == 1
    assert "secret" not in said.err + said.out + repr(vars(source("data-wards")))


def test_what_is_in_a_folder_is_said_where_it_is_no_table(folder):
    folder.mkdir()
    with pytest.raises(SourceError, match="no CSV or Parquet file in the folder in FORECAST_DATA_WARDS"):
        source("data-wards").panel()
    for name in ("a.parquet", "b.parquet"):
        (folder / name).write_text("no")
    with pytest.raises(SourceError, match="'data-wards' cannot be read; check the address in FORECAST_DATA_WARDS"):
        source("data-wards").panel()


def test_offline_only_what_is_on_this_machine_is_read(folder, monkeypatch):
    monkeypatch.setenv("FORECAST_OFFLINE", "1")
    partitioned(folder)
    assert len(source("data-wards").panel().table) == 180
    monkeypatch.setenv("FORECAST_DATA_WARDS", "s3://bucket/wards")
    with pytest.raises(SourceError, match="on the network, and this installation is set to work without it"):
        source("data-wards").panel()


def test_the_command_line_works_on_a_data_set_as_on_any_source(folder, capsys):
    partitioned(folder)
    assert main(["fetch", "--source", "data-wards"]) == 0
    assert capsys.readouterr().out.startswith("180 figures of 'wards (data set)' were read just now")
    assert main(["forecast", "--source", "data-wards", "--region", "01", "--models", "naive", "--horizon", "1"]) == 0
    assert "01,naive,2024-02-29,1,2024-03-01" in capsys.readouterr().out
