"""What pages, API and command line ask for: a forecast, all regions, a track record, a stress test."""
