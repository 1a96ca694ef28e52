"""Benchmarks: both sides interleaved in one run, ratios with spread. `make bench` runs them all."""
