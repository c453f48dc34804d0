"""From published figures to a clean, regular Series, with a sentence for every repair."""
