"""The tables that come with the program, in the folder `data` of the repository."""

from __future__ import annotations

from pathlib import Path

#: Where they are.
FOLDER = Path(__file__).resolve().parents[2] / "data"
#: COVID-19 cases of six countries by the day, running totals.
CASES = FOLDER / "jhu_cumulative_cases_daily.csv"
#: US hospital admissions for COVID-19 by the week.
ADMISSIONS = FOLDER / "cdc_hospital_admissions_weekly.csv"
#: US hospital admissions for influenza by the week.
INFLUENZA = FOLDER / "cdc_influenza_admissions_weekly.csv"
#: Populations of the United States, its states and territories, and of countries.
POPULATION = FOLDER / "population.csv"
