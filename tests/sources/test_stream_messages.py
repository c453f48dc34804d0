"""Messages of a stream: JSON, CSV and Avro, the forms of dates and figures, and a sentence for each that cannot be read."""

from __future__ import annotations

import io
import json
import math
from datetime import UTC, date, datetime

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sweeps import examples

from forecasting.sources.shared.stream_messages import MAX_NAME, Message, MessageParser
from forecasting.support.errors import RequestError
from forecasting.support.settings import NamedStream

TIME = 1_709_251_200_000_000  # 2024-03-01


def parser(mapping: dict | None = None, **setting: str) -> MessageParser:
    given = NamedStream("cases", "redis://x/y", json.dumps(mapping) if mapping else "", **setting)
    return MessageParser(given, lambda: datetime(2024, 3, 2, tzinfo=UTC))


def read(contents, mapping: dict | None = None, **setting: str) -> tuple[list[tuple], list[str]]:
    """The points as region, statistic, date, as_of and value, and the sentences."""
    messages = [Message(f"m{place}", TIME, content) for place, content in enumerate(contents)]
    points, rejects = parser(mapping, **setting).parse(messages)
    rows = []
    for row in points.to_pylist() if points is not None else []:
        day, published = pd.Timestamp(row["date"], unit="s"), pd.Timestamp(row["as_of"], unit="us")
        rows.append((row["region"], row["statistic"], str(day), str(published), row["value"]))
    return rows, rejects.column("reason").to_pylist() if rejects is not None else []


def message(**record: object) -> bytes:
    return json.dumps({"region": "Italy", "date": "2024-01-31", "value": 1} | record).encode()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2024-01-31", "2024-01-31 00:00:00"),
        ("20240131", "2024-01-31 00:00:00"),
        (20240131, "2024-01-31 00:00:00"),
        ("2024-01", "2024-01-01 00:00:00"),
        ("2024-01-31T06:30:00Z", "2024-01-31 06:30:00"),
        ("2024-01-31T06:30:00+02:00", "2024-01-31 04:30:00"),
        (1706682600, "2024-01-31 06:30:00"),
        (1706682600000, "2024-01-31 06:30:00"),
        (1706682600.5, "2024-01-31 06:30:00"),
        ("31.01.2024", "2024-01-31 00:00:00"),
        ("Jan 31, 2024", "2024-01-31 00:00:00"),
    ],
)
def test_dates_in_the_forms_that_programs_write(written, meant):
    assert read([message(date=written)]) == ([("Italy", "value", meant, "2024-03-01 00:00:00", 1.0)], [])


def test_a_mapping_names_fields_also_in_objects_and_how_days_are_written():
    mapping = {
        "region": "place.name",
        "date": "day",
        "value": "n",
        "statistic": "what",
        "as_of": "out",
        "day_first": True,
    }
    record = {"place": {"name": "Italy"}, "day": "03/04/2023", "n": "7.5", "what": "deaths", "out": "2024-02-28"}
    (point,), sentences = read([json.dumps(record).encode()], mapping)
    assert point == ("Italy", "deaths", "2023-04-03 00:00:00", "2024-02-28 00:00:00", 7.5)
    assert sentences == []


def test_without_a_mapping_fields_are_called_as_other_programs_call_them_and_regions_may_be_missing():
    points, _ = read([b'{"DS": "2024-01-31", "y": 3}', b'[{"ds":"2024-01-30","y":2,"unique_id":17}]'])
    assert [point[0] for point in points] == ["cases", "17"]
    assert [point[4] for point in points] == [3.0, 2.0]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is no JSON."),
        (b"\xff\xfe", "is no JSON."),
        (b"7", "is '7' and no record with fields."),
        (b"{}", "has no field 'date'; it has"),
        (message(value="many"), "has no number in 'value'."),
        (message(value=True), "has no number in 'value'."),
        (message(value=[1]), "has no number in 'value'."),
        (b'{"date":"2024-01-31","value":1e999}', "is no JSON."),
        (message(value="1e999"), "has a number in 'value' that is too large."),
        (message(value=10**400), "is no JSON."),
        (message(date="soon"), "has no date in 'date' but 'soon'."),
        (message(date=None), "has no date in 'date' but"),
        (message(date={"day": 1}), "has no date in 'date' but"),
        (message(date="0001-01-01"), "has no date in 'date' but '0001-01-01'."),
        (message(date="03/04/2023"), 'whose day and month cannot be told apart; say "day_first"'),
        (message(region=""), "has no name in 'region' but ''."),
        (message(region="x\u0000y"), "has no name in 'region'"),
        (message(region="x" * (MAX_NAME + 1)), f"has a name of {MAX_NAME + 1} letters in 'region'"),
        (message(region=["Italy"]), "has no name in 'region'"),
        (message(as_of="2031-01-01"), "says that it was published in the future"),
    ],
)
def test_what_cannot_be_read_is_one_sentence_and_costs_the_others_nothing(content, sentence):
    points, (said,) = read([message(), content, message(date="2024-01-30")])
    assert [point[2][:10] for point in points] == ["2024-01-31", "2024-01-30"]
    assert said.startswith("Message m1 ")
    assert sentence in said
    assert "\n" not in said


def test_the_good_points_of_a_list_are_taken_though_one_is_bad():
    points, sentences = read([b'[{"date":"2024-01-31","value":1},{"date":"2024-01-30","value":"x"}]'])
    assert len(points) == len(sentences) == 1


def test_null_and_blanks_withdraw_a_figure():
    points, sentences = read([message(value=None), message(value=" n/a ")])
    assert [math.isnan(point[4]) for point in points] == [True, True]
    assert sentences == []


def test_csv_has_its_columns_in_the_setting_or_in_the_message():
    points, sentences = read(
        [b"Italy,2024-01-31,5\nSpain,2024-01-31,6\n", b"region,date,value\nItaly,2024-01-30,4", b"Italy,5", b""],
        format="csv",
        schema="region,date,value",
    )
    assert [(point[0], point[2][:10], point[4]) for point in points] == [
        ("Italy", "2024-01-31", 5), ("Spain", "2024-01-31", 6), ("Italy", "2024-01-30", 4),
    ]  # fmt: skip
    assert ["has a line of 2 cells for the 3 columns." in sentences[0], "has no line of figures" in sentences[1]] == [
        True,
        True,
    ]
    assert read([b"day,n\n2024-01-31,5"], {"date": "day", "value": "n"}, format="csv")[0][0][4] == 5


SCHEMA = {
    "type": "record",
    "name": "Count",
    "fields": [
        {"name": "region", "type": "string"},
        {"name": "date", "type": {"type": "int", "logicalType": "date"}},
        {"name": "value", "type": ["null", "double"]},
    ],
}
RECORD = {"region": "Italy", "date": date(2024, 1, 31), "value": 5.0}


def test_avro_is_read_from_files_and_bare_records_of_old_and_new_schemas(tmp_path):
    fastavro = pytest.importorskip("fastavro")
    newer = SCHEMA | {"fields": [*SCHEMA["fields"], {"name": "source", "type": "string"}]}
    (tmp_path / "new.avsc").write_text(json.dumps(newer))
    (tmp_path / "old.avsc").write_text(json.dumps(SCHEMA))

    def bare(schema, record) -> bytes:
        out = io.BytesIO()
        fastavro.schemaless_writer(out, fastavro.parse_schema(schema), record)
        return out.getvalue()

    file = io.BytesIO()
    fastavro.writer(file, fastavro.parse_schema(SCHEMA), [RECORD, RECORD | {"date": date(2024, 1, 30)}])
    contents = [
        file.getvalue(),
        bare(SCHEMA, RECORD | {"date": date(2024, 1, 29)}),
        bare(newer, RECORD | {"date": date(2024, 1, 28), "source": "lab"}),
        b"\x00\x00\x00\x00\x07" + bare(SCHEMA, RECORD | {"date": date(2024, 1, 27), "value": None}),
        file.getvalue()[:-20],
        b"\x01",
    ]
    points, sentences = read(contents, format="avro", schema=f"{tmp_path / 'new.avsc'}, {tmp_path / 'old.avsc'}")
    assert [point[2][8:10] for point in points] == ["31", "30", "29", "28", "27"]
    assert ["is a broken Avro file." in sentences[0], "is no Avro record of the schema" in sentences[1]] == [True, True]


def test_an_avro_schema_that_is_none_is_one_sentence_without_its_folder(tmp_path):
    pytest.importorskip("fastavro")
    with pytest.raises(
        RequestError, match=r"^FORECAST_STREAM_CASES_SCHEMA names 'gone\.avsc', which is no Avro schema\.$"
    ):
        parser(format="avro", schema=str(tmp_path / "gone.avsc"))


@given(st.lists(st.binary(max_size=60) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["date", "value", "region", "as_of", "x"]), inner),
    max_leaves=6,
).map(lambda value: json.dumps(value).encode()), max_size=6))  # fmt: skip
@settings(max_examples=examples(200), deadline=None, derandomize=True)
def test_whatever_comes_is_a_point_or_a_sentence_and_is_read_again_the_same(contents):
    messages = [Message(f"m{place}", TIME, content) for place, content in enumerate(contents)]
    reader = parser()
    points, rejects = reader.parse(messages)
    refused = set(rejects.column("position").to_pylist()) if rejects is not None else set()
    good = [one for one in messages if one.position not in refused and one.content.strip() not in (b"[]",)]
    assert len(good) <= (points.num_rows if points is not None else 0)
    if rejects is not None:
        again = parser().parse_again(rejects)
        assert again.rejects is not None
        assert again.rejects.equals(rejects)
