"""The Time machine page."""
