"""The vocabulary of column names: usual words in English, German, French and Spanish, in small letters without accents."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from forecasting.data.columns import AS_OF, DATE, REGION, STATISTIC, VALUE


def split_words(text: str) -> list[str]:
    """The words of a name in small letters: ``"new_cases (7d)"`` -> new, cases, 7d."""
    return "".join(c if c.isalnum() else " " for c in text.lower()).split()


#: What other programs call our columns; the hub and Nixtla's libraries among them.
COLUMN_SYNONYMS = {"location_name": REGION, "location": REGION, "unique_id": REGION, "ds": DATE, "y": VALUE}
#: Of columns of dates.
DATE_WORDS = frozenset(
    split_words(
        "date dates datum fecha day tag jour dia week woche semaine semana month monat mois mes time zeit heure hora ds "
        "timestamp datetime period periode meldedatum reported ending quarter quartal trimestre hour stunde beginning "
        "starting commencing wc"
    )
)
#: Of columns of years.
YEAR_WORDS = DATE_WORDS | frozenset(split_words("year years jahr jahre annee ano anno yr"))
#: Of dates of publication.
AS_OF_WORDS = frozenset(
    split_words("asof vintage issue issued published publication snapshot datenstand release released")
)
#: Of regions, and of other things that are counted apart.
REGION_WORDS = frozenset(
    split_words(
        "region regions location country land bundesland pays pais state province provinz provincia county district kreis "
        "landkreis department departement departamento comunidad ccaa ort stadt ville ciudad city unique area place "
        "jurisdiction entity territory territorio countries name store shop filiale site station kanton canton zone"
    )
)
#: Of columns that say what a row counts.
STATISTIC_WORDS = frozenset(
    split_words(
        "statistic statistik measure indicator metric variable target indikator indicateur indicador merkmal outcome"
    )
)
#: Of counts.
VALUE_WORDS = frozenset(
    split_words(
        "value y count counts cases case cas falle faelle fall casos caso deaths death deces todesfalle todesfaelle muertes "
        "fallecidos defunciones admissions hospitalizations hospitalisations hospitalisierungen hospitalizaciones anzahl "
        "nombre numero wert valeur valor sales verkaufe ventes ventas confirmed infections visits besuche incidents "
        "observation observations units menge cantidad quantite zahl"
    )
)
#: Of money.
MONEY_WORDS = frozenset(
    split_words(
        "revenue revenues turnover umsatz umsatze income earnings profit cost costs spend spending amount betrag montant "
        "importe ingresos chiffre usd eur gbp chf dollar dollars euro euros gross net netto brutto"
    )
)
#: Of the columns of a table of prices, which are different things and no regions.
PRICE_WORDS = frozenset(split_words("open close high low volume adj closing opening schlusskurs kurs cours cierre"))
#: Of counts that may stand beside others, and be forecast as well.
HEAD_WORDS = frozenset(
    split_words(
        "customers customer kunden clients clientes people persons orders bestellungen commandes pedidos tickets users"
    )
)
#: Of numbers that are no counts.
RATE_WORDS = frozenset(
    split_words(
        "rate per percent inzidenz incidence taux tasa share average mean temperature temperatur temp humidity price preis "
        "prix precio index mobility stringency positivity proportion ratio"
    )
)
#: Kind of identifier -> words of columns of that kind.
IDENTIFIER_WORDS = {
    "a code": frozenset(
        split_words(
            "fips iso iso2 iso3 code codes kode id ids uid uuid geoid nuts key iduid codigo kennziffer ags insee sku skus ean gtin "
            "upc asin isbn plu nbr artikelnummer artnr"
        )
    ),
    "a postal code": frozenset(split_words("zip zipcode zip5 plz postal postcode postleitzahl postalcode cap cp")),
    "a coordinate": frozenset(split_words("lat latitude lon lng long longitude breitengrad langengrad")),
    "a population": frozenset(split_words("population pop einwohner bevolkerung habitants habitantes poblacion")),
    "a part of the date": frozenset(
        split_words(
            "year jahr annee ano yr dow weekday wochentag day tag jour dia month monat mois mes week woche semana hour"
        )
    ),
}
#: Of running totals.
CUMULATIVE_WORDS = frozenset(
    split_words("cumulative cumul cumule cumules cum kumuliert kumulativ acumulado acumulados acumulada acumuladas")
)


def is_named_cumulative(column: str | None) -> bool:
    """Whether a column of counts is taken for running totals because of its name."""
    return bool(fold_words(column or "") & CUMULATIVE_WORDS)


def fold_words(name: str) -> frozenset[str]:
    """The words of a name without accents: ``"ConfirmedFälle"`` -> confirmed, falle."""
    split = re.sub(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])", " ", name)
    letters = unicodedata.normalize("NFKD", split)
    return frozenset(split_words("".join(letter for letter in letters if not unicodedata.combining(letter))))


def is_named_as_of(name: str) -> bool:
    """Whether a column is called like dates of publication."""
    return bool(fold_words(name) & AS_OF_WORDS) or {"as", "of"} <= fold_words(name)


def standard_names(header: Iterable[str]) -> dict[str, str]:
    """Column -> its standard name (region, date, value, statistic, as_of), for those that have one, whatever their case.

    Of several that may be the region it is the most readable.
    """
    lower = columns_by_lower_case(header)
    names: dict[str, str] = {lower[name]: name for name in (REGION, DATE, VALUE, STATISTIC, AS_OF) if name in lower}
    for synonym, name in COLUMN_SYNONYMS.items():
        if synonym in lower and name not in names.values():
            names[lower[synonym]] = name
    return names


def columns_by_lower_case(header: Iterable[str]) -> dict[str, str]:
    """The columns by their names in small letters; of two the one that is written so."""
    columns = list(header)
    return {column.lower(): column for column in columns} | {column: column for column in columns if column.islower()}
