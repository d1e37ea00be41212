"""Builds and test results that CI servers report.

In: build reports and test-results XML. Out: tests, runs, previous runs and builds in the store.
"""
