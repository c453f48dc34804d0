"""What several sources share: downloads, caching, the base classes."""
