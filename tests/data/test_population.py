"""How many people live where, by every name that a table may have for it."""

import pytest

from forecasting.data.population import population
from forecasting.sources import source

STATES = ("Alabama", "Georgia", "DE", "US")
COUNTRIES = ("Italy", "Georgia", "DE", "US", "France", "Spain", "Austria")


@pytest.mark.parametrize(
    ("region", "among", "people"),
    [
        ("US", STATES, 328_239_523),
        ("Georgia", STATES, 10_617_423),
        ("DE", STATES, 973_764),
        ("06", ("06", "36"), 39_512_223),
        ("Georgia", COUNTRIES, 3_704_500),
        ("DE", COUNTRIES, 82_927_922),
        ("italy", ("italy",), 60_431_283),
    ],
)
def test_a_place_is_known_by_its_name_and_its_code_in_the_company_that_it_is_in(region, among, people):
    assert population(region, among).people == people


def test_what_is_called_after_a_country_among_other_things_has_no_population():
    assert population("Jordan", ("Jordan", "Smith", "Miller")) is None
    assert population("Atlantis", ("Italy", "Atlantis")) is None


def test_every_bundled_region_has_a_population_and_its_source():
    panel = source("bundled").panel()
    for statistic in panel.statistics:
        regions = tuple(panel.regions(statistic.name))
        found = [population(region, regions) for region in regions]
        assert all(one and one.people > 10_000 and one.source for one in found)


def test_the_netherlands_are_known_with_their_article_and_without():
    among = ("Netherlands", "The Netherlands", "Austria")
    assert population("Netherlands", among).people == population("The Netherlands", among).people > 1e7
