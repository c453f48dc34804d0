"""Every speed and accuracy figure that the docs claim: one file each, with a `run() -> Iterator[dict]` and a docstring."""
