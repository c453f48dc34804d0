"""Tables of other shapes turned into rows with one date and one figure each, before anything of them is interpreted."""
