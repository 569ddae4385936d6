"""Loads that measure the product beside others, on the machine they run on.

`python -m benchmarks` runs the short version of all; `--long` the rest. Nothing here asserts a
time: the figures are for people, who know what else their machine was doing.
"""
