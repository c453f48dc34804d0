"""Plain words for column names: what the rows of a column are called in the plural, and what is measured in which unit."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

from forecasting.tables.column_vocabulary import split_words

#: Plural -> words of columns whose cells are such things, in four languages, in small letters without accents.
_PLURALS = {
    "regions": "region regions gebiet area areas comunidad ccaa jurisdiction territory territorio location_group",
    "countries": "country countries land pays pais nation nations",
    "states": "state states bundesland etat estado",
    "provinces": "province provinces provinz provincia",
    "counties": "county counties",
    "districts": "district districts kreis landkreis bezirk",
    "departments": "department departments departement departamento abteilung",
    "cantons": "kanton canton cantons",
    "cities": "city cities stadt ville ciudad town towns municipality",
    "places": "place places ort lieu lugar",
    "locations": "location locations standort",
    "zones": "zone zones zona",
    "shops": "shop shops laden geschaft boutique tienda magasin",
    "stores": "store stores markt",
    "branches": "branch branches filiale filialen agence sucursal",
    "sites": "site sites",
    "stations": "station stations bahnhof",
    "warehouses": "warehouse warehouses lager",
    "hospitals": "hospital hospitals krankenhaus hopital",
    "clinics": "clinic clinics klinik",
    "wards": "ward wards",
    "schools": "school schools schule ecole escuela",
    "products": "product products produkt produit producto",
    "articles": "article articles artikel articulo",
    "items": "item items sku skus",
    "categories": "category categories kategorie categorie categoria",
    "brands": "brand brands marke marque marca",
    "channels": "channel channels kanal canal",
    "customers": "customer customers kunde client cliente",
    "machines": "machine machines maschine maquina",
    "sensors": "sensor sensors capteur",
    "meters": "meter meters zahler compteur",
    "routes": "route routes",
    "teams": "team teams",
    "currencies": "currency currencies wahrung devise moneda",
    "series": "series unique_id name id",
}
_PLURAL_OF = {word: plural for plural, words in _PLURALS.items() for word in words.split()}
#: Words beside the one that names the things: a shop's name, number or code is the shop.
_LABEL_WORDS = frozenset(
    split_words("name names id ids code codes label no nr num number key title type bezeichnung nom nombre")
)
#: Signs and words of units -> how a sentence says them.
_UNITS = {
    **dict.fromkeys(("$", "dollar", "dollars"), "dollars"),
    **dict.fromkeys(("usd", "us$"), "US dollars"),
    **dict.fromkeys(("eur", "euro", "euros", "€"), "euros"),
    **dict.fromkeys(("gbp", "£", "pounds"), "pounds"),
    **dict.fromkeys(("chf", "sfr"), "Swiss francs"),
    **dict.fromkeys(("jpy", "¥", "yen"), "yen"),
    **dict.fromkeys(("inr", "₹", "rupees"), "rupees"),
    **dict.fromkeys(("percent", "pct", "prozent", "%"), "percent"),
    **dict.fromkeys(("celsius", "°c"), "°C"),
    **dict.fromkeys(("fahrenheit", "°f"), "°F"),
    **{name.lower(): name for name in ("kWh", "MWh", "GWh", "kW", "MW", "mm", "cm", "km", "kg", "mg", "hPa", "mbar")},
    **{
        name: name
        for name in ("litres", "liters", "tonnes", "tons", "hours", "minutes", "seconds", "thousands", "millions")
    },
}
#: The same of single letters, which are units in brackets or behind figures only.
_SHORT_UNITS = {"c": "°C", "f": "°F", "k": "thousands", "m": "m", "g": "g", "l": "litres", "t": "tonnes", "h": "hours"}
#: Names that say nothing of what is counted or measured.
_BARE = frozenset(
    split_words(
        "value values y count counts wert werte valeur valor number numbers anzahl nombre numero zahl figure figures amount "
        "amounts betrag montant importe n total target data quantity qty menge measurement measurements reading readings share "
        "shares"
    )
)
_BRACKETS = re.compile(r"\s*[(\[]\s*([^()\[\]]+?)\s*[)\]]\s*$")
#: What stands beside the digits of a cell.
_BESIDE_DIGITS = re.compile(r"[0-9.,'’+\-−()\s\u00a0\u202f]+")


def plural_noun(column: str) -> str | None:
    """What the cells of a column are called in the plural: ``"Store Name"`` -> ``"stores"``; None where that is not known."""
    folded = _fold(column)
    if folded in _PLURAL_OF:
        return _PLURAL_OF[folded]
    words = [word for word in _words(column) if word not in _LABEL_WORDS] or _words(column)
    return _PLURAL_OF.get(words[-1]) if words else None


def noun_and_unit(column: str) -> tuple[str, str]:
    """What a column of figures measures, and in which unit: ``"sales_usd"`` -> ``("sales", "US dollars")``.

    Either is empty where the name does not say it.
    """
    unit, text = "", column.strip()
    if found := _BRACKETS.search(text):
        inside = _fold(found[1]).removeprefix("in ")
        unit = _UNITS.get(inside, "") or _SHORT_UNITS.get(inside, "")
        text = text[: found.start()] if unit else text
    words = re.sub(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])", " ", text).replace("_", " ").split()
    if words and not unit and (last := _UNITS.get(_fold(words[-1]))):
        unit, words = last, words[:-1]
        if words and words[-1].lower() == "in":
            words = words[:-1]
    shouted = text.isupper() and (len(words) > 1 or len(text) > 4)
    noun = " ".join(word.lower() if shouted or not _is_acronym(word) else word for word in words)
    return ("" if _fold(noun) in _BARE or re.fullmatch(r"column [0-9]+", noun) else noun), unit


def unit_of_cells(cells: Iterable[str]) -> str:
    """The unit that most cells have beside their digits: ``["$1,200", "$900"]`` -> ``"dollars"``; empty without one."""
    beside = [_BESIDE_DIGITS.sub("", text).lower() for text in cells if any(sign.isdigit() for sign in text)]
    if not beside:
        return ""
    sign, count = Counter(beside).most_common(1)[0]
    return _UNITS.get(sign, "") if 2 * count > len(beside) else ""


def _is_acronym(word: str) -> bool:
    return len(word) > 1 and word.isupper()


def _fold(text: str) -> str:
    """In small letters, without accents."""
    letters = unicodedata.normalize("NFKD", text.strip().lower())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _words(name: str) -> list[str]:
    split = re.sub(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])", " ", name)
    return re.findall(r"[^\W_]+", _fold(split))
