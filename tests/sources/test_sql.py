"""Named databases: what is read, and that nothing is written, waited for too long or told."""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from postgres_server import PASSWORD, USER, running

from forecasting.cli.main import main
from forecasting.sources import source, sources, sql
from forecasting.sources.sql import SqlSource, named_database
from forecasting.support.errors import ForecastingError, RequestError, SourceError
from forecasting.support.settings import databases
from forecasting.tables.panel_file import read_panel

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
INJECTIONS = [
    "counts; DROP TABLE counts",
    'counts" --',
    "counts' OR '1'='1",
    "(SELECT 1)",
    "public.counts.x",
    "COUNTS\x00",
]


def figures() -> pd.DataFrame:
    dates = pd.date_range("2024-01-01", periods=60)
    return pd.DataFrame(
        {
            "location": np.repeat(["Ålesund", "01"], 60),
            "date": np.tile(dates.date, 2),
            "value": np.arange(120) / 2,
            "tests": np.arange(120),
            "remark": "a long text that is of no use",
        }
    )


def fill(url: str | sa.URL) -> None:
    """The table and the view that the tests read, as their owner makes them."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        kinds = {"location": sa.Text(), "date": sa.Date(), "value": sa.Numeric(10, 1)}
        figures().to_sql("counts", connection, index=False, dtype=kinds)
        connection.exec_driver_sql("CREATE VIEW summary AS SELECT location, date, value FROM counts")
    engine.dispose()


@pytest.fixture
def sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "a hospital#1.db"
    fill(sa.URL.create("sqlite", database=str(path)))
    monkeypatch.setenv("FORECAST_SQL_HOSPITAL", f"sqlite:///{path}")
    return path


@pytest.fixture(scope="module")
def server() -> Iterator[sa.URL]:
    """A PostgreSQL with the table; its owner's address."""
    with running() as url:
        fill(url)
        yield url


@pytest.fixture
def postgres(server: sa.URL, monkeypatch: pytest.MonkeyPatch) -> sa.URL:
    monkeypatch.setenv("FORECAST_SQL_HOSPITAL", server.render_as_string(hide_password=False))
    return server


@pytest.fixture(params=["sqlite", "postgres"])
def hospital(request: pytest.FixtureRequest) -> Callable[[], int]:
    """The same table in either; a call counts its rows, as its owner sees them."""
    made = request.getfixturevalue(request.param)
    url = made if isinstance(made, sa.URL) else sa.URL.create("sqlite", database=str(made))

    def rows() -> int:
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            count = connection.exec_driver_sql("SELECT count(*) FROM counts").scalar_one()
        engine.dispose()
        return count

    return rows


def read(table: str | None = None):
    return SqlSource(named_database("hospital"), table).read()


@pytest.mark.usefixtures("hospital")
def test_a_table_gives_what_the_same_file_gives_with_its_columns_of_numbers_only(tmp_path):
    panel = read("counts")
    figures().to_csv(tmp_path / "sql-hospital", index=False)
    expected = read_panel(tmp_path / "sql-hospital")
    pd.testing.assert_frame_equal(panel.table, expected.table)
    assert panel.regions() == ["01", "Ålesund"]
    assert panel.covariates() == ["tests"]
    assert panel.statistics == expected.statistics
    assert "Left out, because they hold no numbers: remark." in panel.notes


@pytest.mark.usefixtures("hospital")
def test_a_view_is_as_good_as_a_table():
    assert len(read("summary").table) == 120
    assert read("summary").covariates() == []


@pytest.mark.usefixtures("hospital")
def test_a_query_of_the_configuration_is_read_as_it_stands(monkeypatch):
    monkeypatch.setenv(
        "FORECAST_SQL_HOSPITAL_QUERY", "SELECT date, value, ':x 5%' AS a FROM counts WHERE location LIKE '0%';"
    )
    panel = source("sql-hospital").panel()
    assert len(panel.table) == 60
    assert panel.covariates() == []


@pytest.mark.usefixtures("hospital")
@pytest.mark.parametrize("name", INJECTIONS)
def test_a_table_is_one_that_the_database_has_named_and_never_text(name, hospital):
    with pytest.raises(RequestError, match=r"has no table or view .*; it has 'counts', 'summary'"):
        read(name)
    assert hospital() == 120


def test_a_table_with_an_evil_name_is_read_like_any_other(sqlite):
    name = 'x"; DROP TABLE counts; --'
    with closing(sqlite3.connect(sqlite)) as connection:
        figures().rename(columns={"tests": 'te"sts, 1'}).to_sql(name, connection, index=False)
    assert read(name).covariates() == ['te"sts, 1']
    assert len(read("counts").table) == 120


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO counts SELECT * FROM counts",
        "SELECT 1; INSERT INTO counts SELECT * FROM counts",
        "SELECT 1 AS value; COMMIT; DELETE FROM counts",
        "DROP TABLE counts",
        "PRAGMA query_only = OFF",
        "ATTACH DATABASE 'other.db' AS other",
    ],
)
def test_a_query_that_is_more_than_a_select_is_refused(query, hospital, monkeypatch):
    monkeypatch.setenv("FORECAST_SQL_HOSPITAL_QUERY", query)
    with pytest.raises(SourceError, match="FORECAST_SQL_HOSPITAL_QUERY must be one SELECT"):
        read()
    assert hospital() == 120


@pytest.mark.parametrize(
    "query",
    [
        "WITH gone AS (DELETE FROM counts RETURNING location, date, value) SELECT * FROM gone",
        "SELECT location, date, value INTO copied FROM counts",
        "SELECT * FROM writing",
    ],
)
def test_postgresql_itself_refuses_to_write_whatever_a_query_or_view_does(query, postgres, monkeypatch):
    engine = sa.create_engine(postgres)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE OR REPLACE FUNCTION written() RETURNS integer LANGUAGE sql AS "
            "$$ INSERT INTO counts SELECT * FROM counts LIMIT 1; SELECT 1 $$"
        )
        connection.exec_driver_sql(
            "CREATE OR REPLACE VIEW writing AS SELECT location, date, written() AS value FROM counts"
        )
    monkeypatch.setenv("FORECAST_SQL_HOSPITAL_QUERY", query)
    with pytest.raises(SourceError, match=r"The query of the database 'hospital' (would write|cannot be read)"):
        read()
    monkeypatch.delenv("FORECAST_SQL_HOSPITAL_QUERY")
    with pytest.raises(SourceError, match="The table of the database 'hospital' would write"):
        read("writing")
    with engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM counts").scalar_one() == 120
        connection.exec_driver_sql("DROP VIEW writing")
    engine.dispose()


def test_the_database_itself_refuses_whatever_else_is_asked_of_it(hospital):
    for statement in ("DELETE FROM counts", "CREATE TABLE other (a INTEGER)", "DROP VIEW summary"):
        with (
            pytest.raises(SourceError, match="The table of the database 'hospital' would write"),
            sql._reading(named_database("hospital"), "table") as connection,
        ):
            connection.exec_driver_sql(statement)
    assert hospital() == 120


def test_a_database_that_is_not_there_is_not_made(tmp_path, monkeypatch):
    monkeypatch.setenv("FORECAST_SQL_HOSPITAL", f"sqlite:///{tmp_path / 'none.db'}")
    with pytest.raises(SourceError, match=r"'hospital' does not let us in; .* in FORECAST_SQL_HOSPITAL"):
        read()
    assert not (tmp_path / "none.db").exists()


@pytest.mark.usefixtures("hospital")
def test_rows_come_in_batches_and_an_endless_table_is_given_up_at_the_limit(monkeypatch):
    monkeypatch.setenv("FORECAST_MAX_ROWS", "50000")
    monkeypatch.setenv("FORECAST_SQL_HOSPITAL_QUERY", f"{ENDLESS} SELECT i AS value, '2024-01-01' AS date FROM n")
    with pytest.raises(
        SourceError, match="'sql-hospital' has more than 50,000 rows; choose fewer, or raise FORECAST_MAX_ROWS"
    ):
        read()
    monkeypatch.setenv("FORECAST_MAX_ROWS", "119")
    with pytest.raises(SourceError, match="more than 119 rows"):
        read("counts")
    monkeypatch.setenv("FORECAST_MAX_ROWS", "120")
    assert len(read("counts").table) == 120


@pytest.mark.usefixtures("hospital")
def test_a_statement_that_never_ends_is_given_up_in_time(monkeypatch):
    monkeypatch.setattr(sql, "QUERY_TIMEOUT", 1)
    monkeypatch.setenv("FORECAST_SQL_HOSPITAL_QUERY", f"{ENDLESS} SELECT count(*) AS value FROM n")
    with pytest.raises(SourceError, match="took longer than 1 seconds"):
        read()


@pytest.mark.usefixtures("hospital")
def test_what_the_database_says_of_a_wrong_query_is_said_in_one_sentence(monkeypatch):
    monkeypatch.setenv("FORECAST_SQL_HOSPITAL_QUERY", "SELECT date, deaths AS value FROM counts")
    with pytest.raises(
        SourceError, match=r"^The query of the database 'hospital' cannot be read \(.*deaths.*\); mend .*\.$"
    ):
        read()
    monkeypatch.setenv("FORECAST_SQL_HOSPITAL_QUERY", "SELECT date, value, tests AS value FROM counts")
    with pytest.raises(SourceError, match="the column 'value' twice; rename one of them with AS"):
        read()
    monkeypatch.setenv("FORECAST_SQL_HOSPITAL_QUERY", "SELECT date, value FROM counts WHERE value < 0")
    with pytest.raises(SourceError, match="no row"):
        read()


def secretless(text: str, *more: str) -> None:
    for secret in (PASSWORD, "wrong-horse", USER, "127.0.0.1", *more):
        assert secret not in text


@pytest.mark.parametrize(
    "change", [{"password": "wrong-horse"}, {"username": "nobody"}, {"database": "other"}, {"port": 1}]
)
def test_who_is_not_let_in_learns_no_password_user_or_host(change, postgres, monkeypatch, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    wrong = postgres.set(**change).render_as_string(hide_password=False)
    monkeypatch.setenv("FORECAST_SQL_HOSPITAL", wrong)
    with pytest.raises(SourceError, match="does not let us in") as raised:
        read("counts")
    assert raised.value.__suppress_context__
    assert main(["forecast", "--sql", "hospital", "--table", "counts", "--models", "naive", "--horizon", "1"]) == 2
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 1
    for text in (
        str(raised.value),
        caplog.text,
        said.out,
        said.err,
        repr(databases()),
        repr(vars(source("sql-hospital"))),
    ):
        secretless(text)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("wrong-horse", "is not an address; write it as dialect"),
        ("postgresql://somebody:wrong-horse@127.0.0.1:port/x", "is not an address; write it as dialect"),
        ("nosuch://somebody:wrong-horse@127.0.0.1/x", "is not an address; write it as dialect"),
        ("mysql+mysqldb://somebody:wrong-horse@127.0.0.1/x", "needs the package 'MySQLdb'; install it"),
    ],
)
def test_an_address_that_leads_nowhere_is_not_repeated(url, said, monkeypatch):
    monkeypatch.setenv("FORECAST_SQL_HOSPITAL", url)
    with pytest.raises(SourceError, match=said) as raised:
        read()
    secretless(str(raised.value))


def test_a_table_of_another_schema_has_its_name_before_the_point(postgres):
    engine = sa.create_engine(postgres)
    with engine.begin() as connection:
        connection.exec_driver_sql('CREATE SCHEMA "Ward 1"')
        connection.exec_driver_sql('CREATE MATERIALIZED VIEW "Ward 1".counted AS SELECT * FROM counts')
    engine.dispose()
    assert len(read("Ward 1.counted").table) == 120
    with pytest.raises(RequestError, match=r"no table or view 'Ward 1.other'"):
        read("Ward 1.other")


@pytest.mark.usefixtures("hospital")
def test_without_a_choice_among_several_tables_the_reader_is_told_where_to_choose(monkeypatch):
    with pytest.raises(RequestError, match=r"several tables .*name one in FORECAST_SQL_HOSPITAL_TABLE or with --table"):
        source("sql-hospital").panel()
    monkeypatch.setenv("FORECAST_SQL_HOSPITAL_TABLE", "summary")
    assert len(source("sql-hospital").panel().table) == 120


@pytest.mark.parametrize("batch", [1, 2, 7, 100])
def test_the_only_table_needs_no_choice_and_sqlite_s_loose_types_are_read(batch, tmp_path, monkeypatch):
    monkeypatch.setattr(sql, "BATCH_ROWS", batch)
    with closing(sqlite3.connect(tmp_path / "loose.db")) as connection:
        connection.execute("CREATE TABLE t (ds, y TEXT, tests, big BLOB)")
        rows = [(f"2024-01-{day:02d}", str(day), day if day % 2 else day / 2, b"\x00") for day in range(1, 21)]
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", [*rows, ("2024-01-21", "", "", None)])
        connection.commit()
    monkeypatch.setenv("FORECAST_SQL_LOOSE", f"sqlite:///{tmp_path / 'loose.db'}")
    panel = source("sql-loose").panel()
    assert panel.table["value"].tolist()[:2] == [1, 2]
    assert np.isnan(panel.table["value"].iloc[-1])
    assert panel.covariates() == ["tests"]
    assert panel.table["tests"].tolist()[:4] == [1, 1, 3, 2]


def test_the_configuration_names_sources_and_their_options_are_none(monkeypatch):
    monkeypatch.setenv("FORECAST_SQL_B_2", "sqlite:///b.db")
    monkeypatch.setenv("FORECAST_SQL_B_2_TABLE", "t")
    monkeypatch.setenv("FORECAST_SQL_EMPTY", " ")
    monkeypatch.setenv("FORECAST_DATA_A", "/nowhere")
    monkeypatch.setenv("FORECAST_DATA_A_SINCE", "2024-01-01")
    assert list(sources())[-3:] == ["simulated", "sql-b_2", "data-a"]
    assert source("sql-b_2") is source("sql-b_2")
    monkeypatch.delenv("FORECAST_SQL_B_2")
    with pytest.raises(RequestError, match="There is no source 'sql-b_2'"):
        source("sql-b_2")
    with pytest.raises(RequestError, match="no database 'b_2'; set its address as FORECAST_SQL_<NAME>"):
        named_database("b_2")


def test_offline_only_databases_of_this_machine_are_asked(monkeypatch):
    monkeypatch.setenv("FORECAST_OFFLINE", "1")
    monkeypatch.setenv("FORECAST_SQL_HOSPITAL", "postgresql+psycopg://somebody@db.example.org/x")
    with pytest.raises(SourceError, match="on the network, and this installation is set to work without it"):
        read()


def test_what_was_read_is_kept_for_minutes_and_fetched_anew_on_request(sqlite, clock, monkeypatch):
    monkeypatch.setenv("FORECAST_SQL_HOSPITAL_TABLE", "counts")
    one = source("sql-hospital")
    monkeypatch.setattr(one, "_now", clock)
    first = one.panel()
    assert first.notes[0] == "Read from sql-hospital at 12:00 UTC on 1 May 2024."
    with closing(sqlite3.connect(sqlite)) as connection:
        connection.execute("DELETE FROM counts WHERE location = '01'")
        connection.commit()
    assert one.panel() is first
    assert "60 figures" in one.fetch()
    assert one.panel().regions() == ["Ålesund"]
    sqlite.rename(sqlite.with_suffix(".away"))
    clock.pass_(minutes=11)
    older = one.panel()
    assert older.regions() == ["Ålesund"]
    assert re.match(r"These figures could not be read anew: The database 'hospital' does not let us in", older.notes[0])
    with pytest.raises(ForecastingError, match="does not let us in"):
        one.fetch()


def test_the_command_line_forecasts_and_looks_back_on_a_table(sqlite, capsys):
    asked = ["--sql", "HOSPITAL", "--table", "counts", "--models", "naive", "--horizon", "2"]
    assert main(["forecast", *asked]) == 0
    by_table = capsys.readouterr().out
    assert by_table.startswith(
        "region,model,origin,horizon,date,quantile,value\n01,naive,2024-02-29,1,2024-03-01,0.01,"
    )
    figures().to_csv(sqlite.parent / "sql-hospital.csv", index=False)
    assert main(["forecast", "--input", str(sqlite.parent / "sql-hospital.csv"), *asked[4:]]) == 0
    assert capsys.readouterr().out == by_table
    assert main(["backtest", *asked, "--origins", "2"]) == 0
    assert "naive" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "Give either --source NAME, --input FILE or --sql NAME."),
        (["--sql", "hospital", "--source", "bundled"], "Give either --source NAME, --input FILE or --sql NAME."),
        (["--source", "bundled", "--table", "counts"], "--table is a table of a database; give --sql NAME with it."),
        (["--sql", "other"], "There is no database 'other'; there are hospital."),
    ],
)
@pytest.mark.usefixtures("sqlite")
def test_where_the_figures_come_from_is_said_once(given, said, capsys):
    assert main(["forecast", *given, "--models", "naive", "--horizon", "1"]) == 2
    assert capsys.readouterr().err == f"{said}\n"
