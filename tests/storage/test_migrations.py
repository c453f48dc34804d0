"""Databases of older and newer programs, in SQLite and in PostgreSQL."""

import importlib
import pkgutil
import uuid
from datetime import UTC, datetime

import pandas as pd
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import forecasting
from forecasting.data.forecast import QUANTILES, Forecast
from forecasting.data.frequency import frequency_of_alias
from forecasting.storage import database as database_module
from forecasting.storage import migrations
from forecasting.storage.codec import encode_forecast
from forecasting.storage.database import Database
from forecasting.storage.forecast_store import ForecastStore

#: The package of which modules import PyTorch, which nobody needs to run the tests; it has no tables.
NEEDS_TORCH = "forecasting.models.networks."
OLDEST = """create table forecasts (
  key varchar(64) primary key, model varchar(64) not null, origin varchar(40) not null, horizon integer not null,
  created timestamp not null, seconds float not null, payload {bytes} not null)"""
FORECAST = Forecast(
    "ets",
    "ETS (A,N,N)",
    pd.Timestamp("2026-01-03"),
    frequency_of_alias("D"),
    *(pd.DataFrame({name: [1.5] for name in QUANTILES}).to_numpy() for _ in range(3)),
)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request, tmp_path):
    """An empty database."""
    if request.param == "sqlite":
        engine = sa.create_engine(f"sqlite:///{tmp_path / 'forecasts.sqlite'}")
        yield engine
        engine.dispose()
        return
    address = sa.make_url(request.getfixturevalue("postgres_url"))
    name, server = f"m{uuid.uuid4().hex}", sa.create_engine(address, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"create database {name}")
    engine = sa.create_engine(address.set(database=name))
    yield engine
    engine.dispose()
    with server.connect() as connection:
        connection.exec_driver_sql(f"drop database {name} with (force)")
    server.dispose()


@pytest.fixture
def opened(engine):
    """Opens stores on it."""
    stores = []

    def start():
        stores.append(ForecastStore(engine.url.render_as_string(hide_password=False)))
        return stores[-1]

    yield start
    for store in stores:
        store.close()


def old_store(engine, version):
    """What programs before Alembic left, with one forecast."""
    with engine.begin() as connection:
        binary = "bytea" if engine.dialect.name == "postgresql" else "blob"
        connection.exec_driver_sql(OLDEST.format(bytes=binary))
        if version == "2":
            connection.exec_driver_sql("alter table forecasts add column lineage varchar(64) default '' not null")
            connection.exec_driver_sql("create index forecasts_by_lineage on forecasts (lineage, origin)")
            for name, columns in (("fit_claims", "key varchar(64) primary key, owner text, until timestamp"),):
                connection.exec_driver_sql(f"create table {name} ({columns})")
                connection.exec_driver_sql(f"create table {name}_meta (name text, value text)")
        connection.exec_driver_sql("create table forecasts_meta (name varchar(32) primary key, value varchar(64))")
        connection.execute(sa.text("insert into forecasts_meta values ('version', :version)"), {"version": version})
        put = "insert into forecasts (key, model, origin, horizon, created, seconds, payload) values "
        row = {"created": datetime.now(UTC), "payload": encode_forecast(FORECAST)}
        connection.execute(sa.text(f"{put}('old', 'ets', '2026-01-03', 1, :created, 2.5, :payload)"), row)


def tables(engine):
    return set(sa.inspect(engine).get_table_names())


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_store_of_an_older_program_loses_nothing(engine, opened, version):
    old_store(engine, version)
    store = opened()
    assert store.notes == ()
    assert store.get_stored(["old"])["old"].seconds == 2.5
    assert store.get("old").values.tobytes() == FORECAST.values.tobytes()
    store.put("new", FORECAST, 1.0, lineage="line")
    assert opened().latest("line", FORECAST.origin).method == "ETS (A,N,N)"
    assert tables(engine) >= migrations.TABLE_NAMES
    assert not any(name in tables(engine) for name in migrations.BEFORE)


def test_the_steps_make_what_the_program_uses(engine, opened):
    opened()
    used = sa.MetaData()
    for module in pkgutil.walk_packages(forecasting.__path__, "forecasting."):
        if module.name.endswith(("__main__", ".env")) or module.name.startswith(NEEDS_TORCH):
            continue
        for one in vars(importlib.import_module(module.name)).values():
            for table in one.sorted_tables if isinstance(one, sa.MetaData) else ():
                if table.name not in used.tables:
                    table.to_metadata(used)
    assert set(used.tables) == migrations.TABLE_NAMES
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": migrations.TABLE})
        assert compare_metadata(context, used) == []


def test_the_newest_step_is_known_without_alembic():
    config = Config()
    config.set_main_option("script_location", migrations.__path__[0])
    assert ScriptDirectory.from_config(config).get_heads() == [migrations.HEAD]


def test_a_newer_programs_tables_are_used_while_they_have_what_is_needed(engine, opened):
    opened().put("a", FORECAST, 1.0)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"update {migrations.TABLE} set version_num = '9999'")
        connection.exec_driver_sql("alter table forecasts add column mood text")
    store = opened()
    assert store.notes == ()
    store.put("b", FORECAST, 1.0)
    assert opened().known_keys(["a", "b"]) == {"a", "b"}


def test_a_newer_programs_tables_are_left_alone_where_they_lack_something(engine, opened):
    opened().put("a", FORECAST, 1.0)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"update {migrations.TABLE} set version_num = '9999'")
        connection.exec_driver_sql("alter table forecasts rename column seconds to took")
    before = tables(engine)
    store = opened()
    assert store.notes == (
        "Results are kept in memory only at present: a newer version of this program has changed it; update this one.",
    )
    store.put("b", FORECAST, 1.0)
    assert store.get("b") is not None
    with engine.connect() as connection:
        assert connection.scalar(sa.text("select count(*) from forecasts")) == 1
    assert tables(engine) == before


def test_a_step_that_fails_leaves_everything_as_it_was(engine, opened, monkeypatch):
    old_store(engine, "1")
    before = tables(engine)

    def half(connection, at):
        connection.exec_driver_sql("create table half (x text)")
        connection.exec_driver_sql("alter table forecasts rename to gone")
        raise sa.exc.OperationalError("step", {}, Exception("no"))

    monkeypatch.setattr(migrations, "upgrade", half)
    assert len(opened().notes) == 1
    monkeypatch.undo()
    assert tables(engine) == before
    assert opened().get("old") is not None


def test_a_database_that_is_up_to_date_needs_no_alembic(engine, opened, monkeypatch):
    opened()
    monkeypatch.setattr(migrations, "upgrade", None)
    monkeypatch.setattr(database_module, "RETRY_SECONDS", 0.0)
    database = Database(engine.url.render_as_string(hide_password=False), sa.MetaData())
    assert database.run_transaction("read", lambda connection: connection.scalar(sa.select(1))) == 1
    assert database.notes == ()
    database.close()
